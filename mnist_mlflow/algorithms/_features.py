"""A classifier that looks at features of the images: the share that the classical algorithms have in common."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms.base import Classifier, Report
from mnist_mlflow.images import FEATURES
from mnist_mlflow.types import Features, Images, Labels, Part

KINDS = tuple(FEATURES)
SMALLEST_PROBABILITY = 1e-6  # a forest that gives a class no vote does not know that it is impossible

# What scikit-learn's own estimators hold beyond the types that skops trusts by itself.
TRUSTED = ["sklearn.metrics._dist_metrics.EuclideanDistance64", "sklearn.tree._tree.Tree"]


class FeatureClassifier(Classifier):
    """Features, principal components of them (0: all as they are), and a scikit-learn estimator.

    Compression shrinks trees to a sixth; on other estimators it takes time for nothing.
    """

    requirements: ClassVar[tuple[str, ...]] = ("opencv-python-headless", "scikit-learn", "skops")

    def __init__(self, features: str, components: int, estimator: Any, compressed: bool = False) -> None:
        self.extract = FEATURES[features]
        self.components = components
        self.estimator = estimator
        self.compressed = compressed
        self.projection: Any = None
        self.io = _skops()  # before anything is learned: what cannot be kept is not worth learning

    def _learn(self, train: Part, tuning: Part, report: Report) -> None:
        features = self.extract(train.images)
        if self.components:
            from sklearn.decomposition import PCA

            self.projection = PCA(self.components, svd_solver="covariance_eigh").fit(features)
        self._learn_features(self._project(features), train.labels, tuning, report)

    def _learn_features(self, features: Features, labels: Labels, tuning: Part, report: Report) -> None:
        self.estimator.fit(features, labels)

    def _project(self, features: Features) -> Features:
        if not self.components:
            return features
        projected: Features = self.projection.transform(features)
        return projected

    def _scores(self, images: Images) -> npt.NDArray[np.floating]:
        return self._score_features(self._project(self.extract(images)))

    def _score_features(self, features: Features) -> npt.NDArray[np.floating]:
        if hasattr(self.estimator, "predict_proba"):
            scores = np.log(np.maximum(self.estimator.predict_proba(features), SMALLEST_PROBABILITY))
        else:
            scores = self.estimator.decision_function(features)
        return np.asarray(scores)

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
