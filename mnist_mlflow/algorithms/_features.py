"""A classifier that looks at features of the images: the share that all algorithms have in common."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms.base import Classifier, Watch, batches
from mnist_mlflow.model.images import FEATURES
from mnist_mlflow.types import Examples, Features, Images, Part

KINDS = tuple(FEATURES)


class FeatureClassifier(Classifier):
    """Learns from features that are kept from run to run, and extracts those of the images that it predicts."""

    def __init__(self, features: str) -> None:
        self.features = features

    def _learn(self, train: Part, tuning: Part, watch: Watch) -> None:
        self._learn_features(_read(train, self.features), _read(tuning, self.features), watch)

    def _tuning_scores(self, tuning: Part) -> npt.NDArray[np.floating]:
        return self._score_batches(_read(tuning, self.features).features)

    def _score_batches(self, features: Features) -> npt.NDArray[np.floating]:
        return np.concatenate([self._score_features(batch) for batch in batches(features)])

    def _scores(self, images: Images) -> npt.NDArray[np.floating]:
        return self._score_features(FEATURES[self.features](images))

    @abstractmethod
    def _learn_features(self, train: Examples, tuning: Examples, watch: Watch) -> None: ...

    @abstractmethod
    def _score_features(self, features: Features) -> npt.NDArray[np.floating]: ...


def _read(part: Part, kind: str) -> Examples:
    from mnist_mlflow.data import features_of  # a logged model predicts where what reads data sets is not installed

    return Examples(features_of(part, kind), part.labels)
