"""The registry at one moment: what a decision rests on, each read once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import mlflow
from mlflow.entities.model_registry import ModelVersion

from mnist_mlflow.protocol import Names
from mnist_mlflow.tracking.aliases import State
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.registry import Registry


class Snapshot(Registry):
    """The registry at one moment, for a decision: what is asked for twice is read once."""

    def __init__(self, client: mlflow.MlflowClient, names: Names, state: State) -> None:
        super().__init__(client, names)
        self._state = state
        self._candidates: dict[str, Candidate] = {}

    @cached_property
    def _versions(self) -> Sequence[ModelVersion]:
        return super().versions() if self._state.is_registered else []

    def versions(self) -> Sequence[ModelVersion]:
        """The versions, in one reading."""
        return self._versions

    def version(self, alias: str) -> ModelVersion | None:
        """The version that has an alias; None if there is none, or it was deleted."""
        number = self._state.aliases.get(alias)
        return next((version for version in self._versions if str(version.version) == number), None)

    def candidate(self, version: ModelVersion) -> Candidate:
        """The candidate that a version was registered from; if its run is gone, by what version and model tell."""
        number = str(version.version)
        if number not in self._candidates:
            self._candidates[number] = super().candidate(version)
        return self._candidates[number]
