"""k-nearest neighbours on HOG features: nothing to train, the cost is at prediction.

Expect about 99.5 % on the test images, 1 s for 10,000 of them on two cores.

    mlflow run . -e knn
    mlflow run . -e knn -P features=pixels -P components=0 -P n_neighbors=3 -P weights=uniform
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mnist_mlflow.algorithms._estimator import EstimatorClassifier
from mnist_mlflow.algorithms._features import KINDS
from mnist_mlflow.algorithms.base import Classifier, Watch
from mnist_mlflow.parameters import choice, integer, parameters
from mnist_mlflow.types import CLASSES, Examples

WEIGHTS = ("distance", "uniform")


@parameters
class Params:
    """The hyperparameters of k-nearest neighbours."""

    features: str = choice("hog", KINDS, "what the images are turned into")
    components: int = integer(70, 0, 784, "principal components, whitened within the classes; 0: features as they are")
    n_neighbors: int = integer(8, 1, 100, "how many neighbours vote")
    weights: str = choice("distance", WEIGHTS, "whether closer neighbours count more")


def suggest(trial: Any) -> Params:
    """The search space."""
    return Params(
        features=trial.suggest_categorical("features", KINDS),
        components=trial.suggest_int("components", 20, 100),
        n_neighbors=trial.suggest_int("n_neighbors", 1, 20),
        weights=trial.suggest_categorical("weights", WEIGHTS),
    )


def build(params: Params, seed: int) -> Classifier:
    """Neighbours by brute force: with so many dimensions a tree would visit every leaf anyway."""
    return NearestNeighbours(params)


class NearestNeighbours(EstimatorClassifier):
    """Searches with scikit-learn-intelex where that is installed; what is kept is the same."""

    def __init__(self, params: Params) -> None:
        kind, self.library = _fastest()
        estimator = kind(params.n_neighbors, weights=params.weights, algorithm="brute", n_jobs=-1)
        super().__init__(params.features, params.components, estimator)
        self.learned: Examples | None = None

    def _fit_projection(self, train: Examples) -> Any:
        """Whitened by what varies within the classes, a distance counts what tells one digit from another.

        Few images say little of how features vary, hence the shrinkage. Sources: Bar-Hillel et al., Learning a
        Mahalanobis metric from equivalence constraints, 2005; Ledoit and Wolf, A well-conditioned estimator for
        large-dimensional covariance matrices, 2004.
        """
        from sklearn.covariance import ledoit_wolf_shrinkage
        from sklearn.decomposition import PCA
        from sklearn.pipeline import make_pipeline

        reduce = super()._fit_projection(train)
        reduced = reduce.transform(train.features)
        means = np.stack([reduced[train.labels == digit].mean(axis=0) for digit in range(CLASSES)])
        residuals = reduced - means[train.labels]
        whiten = PCA(whiten=True, svd_solver="covariance_eigh").fit(residuals)
        shrinkage, variances = ledoit_wolf_shrinkage(residuals), whiten.explained_variance_
        whiten.explained_variance_ = (1 - shrinkage) * variances + shrinkage * variances.mean()
        return make_pipeline(reduce, whiten)

    def _learn_projected(self, train: Examples, tuning: Examples, watch: Watch) -> None:
        self.learned = train
        super()._learn_projected(train, tuning, watch)

    def _save_estimator(self, folder: Path) -> None:
        assert self.learned
        np.savez(folder / "neighbours.npz", features=self.learned.features, labels=self.learned.labels)

    def _restore_estimator(self, folder: Path) -> None:
        with np.load(folder / "neighbours.npz") as kept:
            self.learned = Examples(kept["features"], kept["labels"])
        self.estimator.fit(self.learned.features, self.learned.labels)


def _fastest() -> tuple[Any, str]:
    """The search for neighbours, and the distribution it comes from."""
    try:
        from sklearnex.neighbors import KNeighborsClassifier

        return KNeighborsClassifier, "scikit-learn-intelex"
    except ImportError:
        from sklearn.neighbors import KNeighborsClassifier

        return KNeighborsClassifier, "scikit-learn"
