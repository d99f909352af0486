"""A vote of models that have learned: their probabilities, averaged with weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.features import extract
from mnist_mlflow.model.scorers.base import Scorer
from mnist_mlflow.types import Probabilities, Scores

SMALLEST = 1e-12  # what rounds to no chance at all is still no infinite mistake


class Vote(Scorer):
    """Members, each with its own features, and their weights; it is asked about the images themselves."""

    def __init__(self, members: Sequence[DigitModel], weights: Sequence[float]) -> None:
        self.members, self.weights = members, np.asarray(weights)

    def score(self, features: npt.NDArray[Any]) -> Scores:
        """Logarithms of the average probabilities (n, 10) of images (n, 28, 28)."""
        views = {kind: extract(kind, features) for kind in {member.features for member in self.members}}
        votes = np.stack([member.probabilities_of(views[member.features]) for member in self.members])
        scores: Scores = np.log(np.maximum(average(votes, self.weights), SMALLEST))
        return scores

    @property
    def requirements(self) -> tuple[str, ...]:
        """Those of the members."""
        return tuple({name for member in self.members for name in member.requirements})

    def save(self, folder: Path) -> None:
        """Write `weights.json`, and each member into a folder of its own below `members`."""
        (folder / "weights.json").write_text(json.dumps(self.weights.tolist()), encoding="utf-8")
        for number, member in enumerate(self.members):
            member.save(folder / "members" / f"{number:02d}")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        folders = sorted((folder / "members").iterdir(), key=lambda member: int(member.name))
        members = [DigitModel.load(member) for member in folders]
        return cls(members, json.loads((folder / "weights.json").read_text(encoding="utf-8")))


def average(probabilities: npt.NDArray[np.floating], weights: npt.NDArray[np.float64]) -> Probabilities:
    """The weighted average (n, 10) of probabilities (m, n, 10); the weights need not add up to 1."""
    averaged: Probabilities = np.tensordot(weights / weights.sum(), probabilities, axes=1)
    return averaged
