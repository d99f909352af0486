"""Extremely randomised trees on HOG features: many deep trees, each split drawn at random, their votes averaged.

Expect about 99.3 % on the test images, 8 s to learn 45,000 on two cores.

Learned again, it is the same on any number of threads, and with the instructions of another processor. There is no
tolerance.

    mlflow run . -e forest
    mlflow run . -e forest -P features=pixels -P splitter=best
"""

from __future__ import annotations

from typing import Any

from mnist_mlflow.algorithms.base import KINDS, Callback, copies_of
from mnist_mlflow.model.scorers.base import Scorer
from mnist_mlflow.parameters import choice, integer, parameters
from mnist_mlflow.types import Examples

LIBRARY = "scikit-learn"
SECONDS = 8
SPLITTERS = ("random", "best")


@parameters
class Params:
    """The hyperparameters of the forest."""

    features: str = choice("hog", KINDS, "what the images are turned into")
    copies: float = copies_of(0.5)
    splitter: str = choice("random", SPLITTERS, "how a split is chosen: best is Breiman's random forest")
    n_estimators: int = integer(100, 1, 2_000, "how many trees")
    min_samples_leaf: int = integer(1, 1, 1_000, "the fewest images in a leaf")


def suggest(trial: Any) -> Params:
    """The search space."""
    return Params(
        features=trial.suggest_categorical("features", KINDS),
        splitter=trial.suggest_categorical("splitter", SPLITTERS),
        n_estimators=trial.suggest_int("n_estimators", 50, 300, log=True),
        min_samples_leaf=trial.suggest_int("min_samples_leaf", 1, 10, log=True),
    )


def fit(params: Params, train: Examples, tuning: Examples, seed: int, callback: Callback) -> Scorer:
    """A forest of the chosen kind on all cores."""
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

    from mnist_mlflow.model.scorers.trees import Trees

    kind = ExtraTreesClassifier if params.splitter == "random" else RandomForestClassifier
    forest = kind(params.n_estimators, min_samples_leaf=params.min_samples_leaf, n_jobs=-1, random_state=seed)
    return Trees(forest.fit(train.features, train.labels))
