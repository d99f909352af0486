"""A linear function of the features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mnist_mlflow.model.scorers.base import Scorer
from mnist_mlflow.types import Features, Scores


@dataclass(frozen=True)
class Linear(Scorer):
    """Weights (10, d) and offsets (10,), as scikit-learn's linear classifiers have them."""

    weights: npt.NDArray[Any]
    offsets: npt.NDArray[Any]

    def score(self, features: Features) -> Scores:
        """Logits (n, 10)."""
        scores: Scores = features @ self.weights.T + self.offsets
        return scores

    def save(self, folder: Path) -> None:
        """Write `linear.npz`."""
        np.savez(folder / "linear.npz", weights=self.weights, offsets=self.offsets)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `linear.npz`."""
        with np.load(folder / "linear.npz") as arrays:
            return cls(arrays["weights"], arrays["offsets"])
