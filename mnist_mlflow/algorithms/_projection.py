"""Principal components of features: what several algorithms learn from instead of the features themselves."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms._graphs.building import GraphBuilder
from mnist_mlflow.model.scorers.graph import FEATURES
from mnist_mlflow.types import Examples, Features, Labels

SHRINKAGE = 0.05  # the share of a covariance that is its mean variance in all directions, as of a ball
PLACES = 5  # decimal, of directions
TINY = 1e-6  # the mean variance at least: a digit may have a single image


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
    """The components (n, k) of the features that a graph takes; without rotations, the features.

    They are computed in 64 bits: trees compare them with thresholds, and other processors round otherwise.
    """
    if not rotations:
        return FEATURES
    rows = builder.add_cast(FEATURES, np.float64)
    for rotation in rotations:
        weights = rotation.directions.T.astype(np.float64)
        if rotation.scales is not None:
            weights = weights / rotation.scales
        rows = builder.add("Gemm", rows, weights, -rotation.mean.astype(np.float64) @ weights)
    return builder.add_cast(rows, np.float32)


def reduced(rotations: tuple[Rotation, ...], examples: Examples) -> Examples:
    """The examples with components in place of their features; without rotations, as they are."""
    return Examples(project(rotations, examples.features), examples.labels)


def principal_components(features: Features, count: int) -> tuple[Rotation, ...]:
    """The rotation to so many principal components; none for 0."""
    if not count:
        return ()
    return (as_rotation(fit_pca(features, count)),)


def discriminants(examples: Examples, count: int) -> tuple[Rotation, ...]:
    """The rotation to the linear discriminants of each two digits and so many principal components.

    For 0 the features themselves stand beside the discriminants. Directions have 64 bits and are rounded to a few
    places. Other threads and processors then make the same ones, and trees cut the same.
    """
    features = examples.features.astype(np.float64)
    pca = fit_pca(features, min(count or 1, *features.shape))  # few images, as in a search, have few components
    others = pca.components_ if count else np.eye(features.shape[1])
    directions = np.concatenate([discriminant_directions(features, examples.labels), others])
    return (Rotation(directions.round(PLACES), pca.mean_),)


def discriminant_directions(features: npt.NDArray[np.float64], labels: Labels) -> npt.NDArray[np.float64]:
    """Directions (45, d) along which two digits are farthest apart, in units of their deviation within.

    Source: Fisher, The use of multiple measurements in taxonomic problems, 1936.
    """
    digits = [features[labels == digit] for digit in np.unique(labels)]
    moments = [(digit.mean(axis=0), _shrunk_covariance(digit)) for digit in digits]
    directions = []
    for (mean, covariance), (other_mean, other_covariance) in combinations(moments, 2):
        within = (covariance + other_covariance) / 2
        direction = np.linalg.solve(within, mean - other_mean)
        directions.append(direction / np.sqrt(direction @ within @ direction))
    return np.array(directions)


def _shrunk_covariance(features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    covariance = np.cov(features, rowvar=False, bias=True)
    ball = np.maximum(np.trace(covariance) / len(covariance), TINY) * np.eye(len(covariance))
    return np.asarray((1 - SHRINKAGE) * covariance + SHRINKAGE * ball)


def fit_pca(features: npt.NDArray[np.floating], count: int | None = None, whiten: bool = False) -> Any:
    """scikit-learn's PCA by the covariance matrix."""
    from sklearn.decomposition import PCA

    return PCA(count, whiten=whiten, svd_solver="covariance_eigh").fit(features)


def as_rotation(pca: Any) -> Rotation:
    """A fitted PCA as arrays; a variance of nearly nothing does not blow noise up."""
    if not pca.whiten:
        return Rotation(pca.components_, pca.mean_)
    scales = np.sqrt(pca.explained_variance_)
    return Rotation(pca.components_, pca.mean_, np.maximum(scales, np.finfo(scales.dtype).eps))
