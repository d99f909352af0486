"""Principal components of features: what several algorithms learn from instead of the features themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mnist_mlflow.model.scorers.base import Scorer
from mnist_mlflow.model.scorers.projected import Projected, Rotation, project
from mnist_mlflow.types import Examples, Features

Fit = Callable[[Examples, Examples], Scorer]  # train, tuning -> scorer


def fit_projected(rotations: tuple[Rotation, ...], fit: Fit, train: Examples, tuning: Examples) -> Scorer:
    """A scorer that has learned from components; without rotations, from the features as they are."""
    if not rotations:
        return fit(train, tuning)
    reduced = (Examples(project(rotations, part.features), part.labels) for part in (train, tuning))
    return Projected(rotations, fit(*reduced))


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
