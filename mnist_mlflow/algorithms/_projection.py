"""Principal components of features: what several algorithms learn from instead of the features themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from mnist_mlflow.model.scorers.base import Scorer
from mnist_mlflow.model.scorers.projected import Projected, Rotation, project
from mnist_mlflow.types import Examples, Features


def reduced(rotations: tuple[Rotation, ...], examples: Examples) -> Examples:
    """The examples with components in place of their features; without rotations, as they are."""
    return Examples(project(rotations, examples.features), examples.labels)


def projected(rotations: tuple[Rotation, ...], scorer: Scorer) -> Scorer:
    """The scorer, asked about features, that another one is about components; without rotations, that one."""
    return Projected(rotations, scorer) if rotations else scorer


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
