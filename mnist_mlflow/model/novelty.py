"""Novelty: how far a canonical digit lies from all that was learned, the same for every algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mnist_mlflow.model.features import hog
from mnist_mlflow.types import CLASSES, Features, Images

Distances = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Novelty:
    """Digits as learned: their means (10, d), main directions (10, k, d) and variances, of HOG features.

    `variances` (10, k) are those along the directions, `rest` (10,) is that along each other one. An image that is
    farther than `limit` from all ten is no digit.

    Source: Kimura et al., Modified quadratic discriminant functions and the application to Chinese character
    recognition, 1987; as a measure of novelty, Lee et al., A simple unified framework for detecting out-of-distribution
    samples and adversarial attacks, 2018.
    """

    means: npt.NDArray[np.float32]
    directions: npt.NDArray[np.float32]
    variances: npt.NDArray[np.float32]
    rest: npt.NDArray[np.float32]
    limit: float

    def is_far(self, images: Images) -> npt.NDArray[np.bool_]:
        """True (n,) for canonical digits (n, 28, 28) that are like none of those that were learned."""
        return np.asarray(self.distances(hog(images)).min(axis=1) > self.limit)

    def distances(self, features: Features) -> Distances:
        """Squared Mahalanobis distances (n, 10), per dimension, of HOG features (n, d) to each digit."""
        squares = np.square(features).sum(axis=1)[:, None] - 2 * features @ self.means.T
        squares = squares + np.square(self.means).sum(axis=1)
        flat = self.directions.reshape(-1, features.shape[1])
        centres = np.einsum("ckd,cd->ck", self.directions, self.means)
        along = np.square((features @ flat.T).reshape(len(features), CLASSES, -1) - centres)
        beside = np.maximum(squares - along.sum(axis=2), 0)
        distances: Distances = ((along / self.variances).sum(axis=2) + beside / self.rest) / features.shape[1]
        return distances.astype(np.float64)

    def arrays(self) -> dict[str, Any]:
        """All of it, as arrays by their names."""
        return {name: np.asarray(value) for name, value in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """The inverse of `arrays`; raises ValueError for arrays that do not fit together."""
        means, directions, variances, rest = (arrays[name] for name in ("means", "directions", "variances", "rest"))
        limit = float(arrays["limit"])
        shapes = [array.shape for array in (means, directions, variances, rest)]
        (_, k, d) = directions.shape
        if shapes != [(CLASSES, d), (CLASSES, k, d), (CLASSES, k), (CLASSES,)]:
            raise ValueError(f"The arrays of novelty have the shapes {shapes}.")
        if not (np.isfinite(means).all() and np.isfinite(directions).all() and limit >= 0):
            raise ValueError("The arrays of novelty hold what is no number.")
        if not ((variances > 0).all() and (rest > 0).all()):
            raise ValueError("The arrays of novelty hold variances that are not above 0.")
        return cls(means, directions, variances, rest, limit)
