"""Extremely randomised trees on HOG features: many deep trees, each split drawn at random, their votes averaged.

Expect about 99.2 % on the test images, 22 s to learn 45,000 on two cores.

Learned again, it is the same on any number of threads, and with the instructions of another processor. There is no
tolerance.

    mlflow run . -e forest --env-manager local
    mlflow run . -e forest --env-manager local -P features=pixels -P splitter=best
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms._graphs.building import GraphBuilder
from mnist_mlflow.algorithms._graphs.trees import AT_MOST, Tree, add_trees
from mnist_mlflow.algorithms.base import KINDS, Callback, copies_of
from mnist_mlflow.model.scorers.graph import FEATURES, Graph
from mnist_mlflow.parameters import choice, integer, parameters
from mnist_mlflow.types import Examples

LIBRARY = "scikit-learn"
SECONDS = 22
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


def fit(params: Params, train: Examples, tuning: Examples, seed: int, callback: Callback) -> Graph:
    """A forest of the chosen kind on all cores."""
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

    kind = ExtraTreesClassifier if params.splitter == "random" else RandomForestClassifier
    forest = kind(params.n_estimators, min_samples_leaf=params.min_samples_leaf, n_jobs=-1, random_state=seed)
    forest.fit(train.features, train.labels)
    return as_graph([estimator.tree_ for estimator in forest.estimators_], train.features.shape[1])


def as_graph(trees: Sequence[Any], width: int) -> Graph:
    """The logarithms of the averages of what scikit-learn's trees vote for, by so many features.

    A leaf gives the place of its votes among all that occur: there are few different ones.
    """
    votes, places = np.unique(np.concatenate([tree.value[:, 0] for tree in trees]), axis=0, return_inverse=True)
    leaves = np.split(places.ravel().astype(np.float32), np.cumsum([tree.node_count for tree in trees])[:-1])
    arrays = [
        Tree(tree.children_left, tree.children_right, tree.feature, floor(tree.threshold), values, number)
        for number, (tree, values) in enumerate(zip(trees, leaves, strict=True))
    ]
    builder = GraphBuilder()
    leaf_votes = builder.add_cast(add_trees(builder, FEATURES, arrays, len(arrays), AT_MOST), np.int32)
    shares = builder.add("ReduceMean", builder.add("Gather", votes.astype(np.float32), leaf_votes), [1], keepdims=0)
    return builder.finish(builder.add_log_votes(shares), width)


def floor(thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The largest float32 values that are not above thresholds: no float32 value lies between."""
    nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
