"""A scikit-learn estimator on features: the share that the classical algorithms have in common."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms._features import FeatureClassifier
from mnist_mlflow.algorithms.base import Watch
from mnist_mlflow.types import Examples, Features

SMALLEST_PROBABILITY = 1e-3  # that nobody voted for a class does not make it impossible

# What scikit-learn's own estimators hold beyond the types that skops trusts by itself.
TRUSTED = ["sklearn.tree._tree.Tree"]


class EstimatorClassifier(FeatureClassifier):
    """Features, principal components of them (0: all as they are), and an estimator of scikit-learn's form.

    Compression shrinks trees to a sixth; on other estimators it takes time for nothing.
    """

    requirements: tuple[str, ...] = ("opencv-python-headless", "scikit-learn", "skops")
    library = "scikit-learn"

    def __init__(self, features: str, components: int, estimator: Any, compressed: bool = False) -> None:
        super().__init__(features)
        self.components = components
        self.estimator = estimator
        self.compressed = compressed
        self.projection: Any = None
        self.io = _skops()  # before anything is learned: what cannot be kept is not worth learning

    def _learn_features(self, train: Examples, tuning: Examples, watch: Watch) -> None:
        if self.components:
            self.projection = self._fit_projection(train)
        self._learn_projected(self._projected(train), self._projected(tuning), watch)

    def _fit_projection(self, train: Examples) -> Any:
        from sklearn.decomposition import PCA

        return PCA(self.components, svd_solver="covariance_eigh").fit(train.features)

    def _projected(self, examples: Examples) -> Examples:
        return Examples(self._project(examples.features), examples.labels)

    def _project(self, features: Features) -> Features:
        return np.asarray(self.projection.transform(features)) if self.components else features

    def _learn_projected(self, train: Examples, tuning: Examples, watch: Watch) -> None:
        self.estimator.fit(train.features, train.labels)

    def _score_features(self, features: Features) -> npt.NDArray[np.floating]:
        return self._score_projected(self._project(features))

    def _score_projected(self, features: Features) -> npt.NDArray[np.floating]:
        """Logarithms of probabilities that are shares of votes."""
        probabilities: npt.NDArray[np.floating] = self.estimator.predict_proba(features)
        logarithms: npt.NDArray[np.floating] = np.log(np.maximum(probabilities, SMALLEST_PROBABILITY))
        return logarithms

    def _save(self, folder: Path) -> None:
        self.io.dump(self.projection, folder / "projection.skops")
        self._save_estimator(folder)

    def _save_estimator(self, folder: Path) -> None:
        compression = zipfile.ZIP_DEFLATED if self.compressed else zipfile.ZIP_STORED
        self.io.dump(self.estimator, folder / "estimator.skops", compression=compression, compresslevel=1)

    def _restore(self, folder: Path) -> None:
        self.projection = self.io.load(folder / "projection.skops")
        self._restore_estimator(folder)

    def _restore_estimator(self, folder: Path) -> None:
        self.estimator = self.io.load(folder / "estimator.skops", trusted=TRUSTED)


def _skops() -> Any:
    from skops import io

    return io
