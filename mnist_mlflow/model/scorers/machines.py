"""Support vector machines, one for each pair of digits, asked in two matrix products."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from mnist_mlflow.model.scorers.base import Scorer
from mnist_mlflow.types import CLASSES, Features, Scores

DUELS = np.triu_indices(CLASSES, 1)  # each pair of digits has a machine of its own

Arrays = dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Machines(Scorer):
    """LIBSVM's decision function in float32, some twenty times as fast.

    `arrays` are the `vectors` (v, d), their `weights` (v, 45) in each duel, `offsets` (45,), `gamma` and `degree`; the
    degree is 0 for the radial kernel.
    """

    arrays: Arrays

    def score(self, features: Features) -> Scores:
        """The worst duel of each digit (n, 10)."""
        return closest_duels(decisions(self.arrays, features))

    def save(self, folder: Path) -> None:
        """Write `machines.npz`."""
        np.savez(folder / "machines.npz", **self.arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `machines.npz`."""
        with np.load(folder / "machines.npz") as arrays:
            return cls(dict(arrays))


def decisions(machines: Arrays, features: Features) -> Features:
    """The margins (n, 45) by which duels are won: positive for the first of the pair."""
    likeness = _power if machines["degree"] else _radial
    kernel = likeness(features, machines)
    margins: Features = kernel @ machines["weights"] + machines["offsets"]
    return margins


def _radial(features: Features, machines: Arrays) -> Features:
    vectors, gamma = machines["vectors"], machines["gamma"]
    exponents = features @ (2 * gamma * vectors).T
    exponents -= gamma * np.square(vectors).sum(axis=1)
    exponents -= gamma * np.square(features).sum(axis=1, keepdims=True)
    return np.exp(exponents, out=exponents)


def _power(features: Features, machines: Arrays) -> Features:
    products = features @ (machines["gamma"] * machines["vectors"]).T + np.float32(1)
    powers: Features = products ** machines["degree"]
    return powers


def closest_duels(margins: Features) -> Features:
    """A score for each class (n, 10): its worst duel, which tells more of a doubt than votes do."""
    duels = np.full((len(margins), CLASSES, CLASSES), np.inf, np.float32)
    first, second = DUELS
    duels[:, first, second] = margins
    duels[:, second, first] = -margins
    scores: Features = duels.min(axis=2)
    return scores
