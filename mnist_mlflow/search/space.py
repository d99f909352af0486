"""The search space of an algorithm, with the hyperparameters that were typed held fixed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mnist_mlflow.algorithms.base import Algorithm, resolve


@dataclass(frozen=True)
class Space:
    """The hyperparameters of an algorithm, some of them fixed; those that `suggest` leaves out keep their default."""

    algorithm: Algorithm
    fixed: Mapping[str, Any]

    @property
    def defaults(self) -> Any:
        """The hyperparameters of the first trial."""
        return resolve(self.algorithm, self.fixed)

    def propose(self, trial: Any) -> Any:
        """The hyperparameters that an Optuna trial proposes."""
        self.algorithm.suggest(_TrialWithFixed(trial, self.fixed))
        return self.complete(trial.params)

    def complete(self, params: Mapping[str, Any]) -> Any:
        """All hyperparameters, with those that a trial chose."""
        return dataclasses.replace(self.defaults, **params)


@dataclass(frozen=True)
class _TrialWithFixed:
    """A trial that is not asked for fixed hyperparameters; conditions on one see its value."""

    trial: Any
    fixed: Mapping[str, Any]

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self.fixed[name] if name in self.fixed else self.trial.suggest_categorical(name, choices)

    def suggest_int(self, name: str, low: int, high: int, **options: Any) -> Any:
        return self.fixed[name] if name in self.fixed else self.trial.suggest_int(name, low, high, **options)

    def suggest_float(self, name: str, low: float, high: float, **options: Any) -> Any:
        return self.fixed[name] if name in self.fixed else self.trial.suggest_float(name, low, high, **options)
