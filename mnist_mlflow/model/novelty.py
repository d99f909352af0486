"""Novelty: how far a canonical digit lies from all that was learned, the same for every algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import CLASSES, Features

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Novelty:
    """The digits as learned, in k principal components of d HOG features.

    `mean` (d,) and `directions` (k, d) lead to the components. There each digit has its place in `means` (10, k), and
    `whiteners` (10, k, k), with which it varies alike in all directions. What is farther than `limit` from all ten is
    no digit.

    Source: Lee et al., A simple unified framework for detecting out-of-distribution samples and adversarial attacks,
    2018.
    """

    mean: Array
    directions: Array
    means: Array
    whiteners: Array
    limit: float

    def is_far(self, features: Features) -> npt.NDArray[np.bool_]:
        """True (n,) for HOG features (n, d) of images that are like no digit that was learned."""
        return np.asarray(self.distances(features).min(axis=1) > self.limit)

    def distances(self, features: Features) -> npt.NDArray[np.float64]:
        """Mahalanobis distances (n, 10) of HOG features (n, d) to each digit; 1 is usual for that digit."""
        k = len(self.directions)
        # A product for each image. One for all would start threads of BLAS, which cost more here than they bring.
        components = (features - self.mean)[:, None] @ self.directions.T
        whitened = components @ self.whiteners.reshape(-1, k).T - self._whitened_means
        apart = whitened.reshape(-1, CLASSES, k)
        return np.asarray(np.sqrt(np.einsum("nck,nck->nc", apart, apart, dtype=np.float64) / k))

    @cached_property
    def _whitened_means(self) -> Array:
        return np.asarray((self.whiteners @ self.means[..., None]).ravel())

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """The novelty with these fields; raises ValueError for arrays that do not fit together."""
        mean, directions, means, whiteners = (
            np.asarray(arrays[name], np.float32) for name in ("mean", "directions", "means", "whiteners")
        )
        k, d = directions.shape
        shapes = [array.shape for array in (mean, means, whiteners)]
        if shapes != [(d,), (CLASSES, k), (CLASSES, k, k)]:
            raise ValueError(f"Of {k} directions, the arrays of novelty have the shapes {shapes}.")
        limit = float(arrays["limit"])
        if not all(np.isfinite(array).all() for array in (mean, directions, means, whiteners, limit)):
            raise ValueError("The arrays of novelty hold what is no number.")
        return cls(mean, directions, means, whiteners, limit)
