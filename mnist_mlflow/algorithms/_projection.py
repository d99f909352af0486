"""Principal components of features: what several algorithms learn from instead of the features themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms._graphs.building import GraphBuilder
from mnist_mlflow.model.scorers.graph import FEATURES
from mnist_mlflow.types import Examples, Features


@dataclass(frozen=True)
class Rotation:
    """Directions (k, d), the mean (d,) to subtract, and the scales (k,) to divide by, if any."""

    directions: npt.NDArray[Any]
    mean: npt.NDArray[Any]
    scales: npt.NDArray[Any] | None = None

    def __call__(self, features: Features) -> Features:
        """Features (n, d) as components (n, k), in the order of operations of scikit-learn's PCA."""
        components: Features = features @ self.directions.T
        components -= self.mean.reshape(1, -1) @ self.directions.T
        if self.scales is not None:
            components /= self.scales
        return components


def project(rotations: tuple[Rotation, ...], features: Features) -> Features:
    """Features (n, d) as components (n, k)."""
    for rotation in rotations:
        features = rotation(features)
    return features


def add_projection(builder: GraphBuilder, rotations: tuple[Rotation, ...]) -> str:
    """The components (n, k) of the features that a graph takes; without rotations, the features."""
    rows = FEATURES
    for rotation in rotations:
        weights = rotation.directions.T.astype(np.float64)
        if rotation.scales is not None:
            weights = weights / rotation.scales
        rows = builder.add_affine(rows, weights, -rotation.mean @ weights)
    return rows


def reduced(rotations: tuple[Rotation, ...], examples: Examples) -> Examples:
    """The examples with components in place of their features; without rotations, as they are."""
    return Examples(project(rotations, examples.features), examples.labels)


def principal_components(features: Features, count: int) -> tuple[Rotation, ...]:
    """The rotation to so many principal components; none for 0."""
    if not count:
        return ()
    return (as_rotation(fit_pca(features, count)),)


def fit_pca(features: Features, count: int | None = None, whiten: bool = False) -> Any:
    """scikit-learn's PCA by the covariance matrix."""
    from sklearn.decomposition import PCA

    return PCA(count, whiten=whiten, svd_solver="covariance_eigh").fit(features)


def as_rotation(pca: Any) -> Rotation:
    """A fitted PCA as arrays; a variance of nearly nothing does not blow noise up."""
    if not pca.whiten:
        return Rotation(pca.components_, pca.mean_)
    scales = np.sqrt(pca.explained_variance_)
    return Rotation(pca.components_, pca.mean_, np.maximum(scales, np.finfo(scales.dtype).eps))
