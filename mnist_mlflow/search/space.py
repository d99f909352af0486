"""What may be tried: an algorithm's own search space, with what was given held fixed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mnist_mlflow.algorithms.base import Algorithm, resolve


@dataclass(frozen=True)
class Space:
    """The hyperparameters of an algorithm, some of them given; what `suggest` leaves out keeps its default."""

    algorithm: Algorithm
    given: Mapping[str, Any]

    @property
    def defaults(self) -> Any:
        """What is tried first."""
        return resolve(self.algorithm, self.given)

    def propose(self, trial: Any) -> Any:
        """The hyperparameters that an Optuna trial proposes."""
        self.algorithm.suggest(_Holding(trial, self.given))
        return self.complete(trial.params)

    def complete(self, params: Mapping[str, Any]) -> Any:
        """All hyperparameters, from those that a trial chose."""
        return dataclasses.replace(self.defaults, **params)


@dataclass(frozen=True)
class _Holding:
    """A trial that is not asked for what is given; conditions on a given value see that value."""

    trial: Any
    given: Mapping[str, Any]

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self.given[name] if name in self.given else self.trial.suggest_categorical(name, choices)

    def suggest_int(self, name: str, low: int, high: int, **options: Any) -> Any:
        return self.given[name] if name in self.given else self.trial.suggest_int(name, low, high, **options)

    def suggest_float(self, name: str, low: float, high: float, **options: Any) -> Any:
        return self.given[name] if name in self.given else self.trial.suggest_float(name, low, high, **options)
