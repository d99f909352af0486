"""k-nearest neighbours on HOG features: nothing to train, the cost is at prediction.

Expect about 99.4 % on the test images, 1 s for 10,000 of them on two cores.

Learned again, it is the same on any number of threads. The instructions of another processor moved probabilities
by 1e-6, in matrix products; the tolerance is 1e-5.

    mlflow run . -e knn --env-manager local
    mlflow run . -e knn --env-manager local -P features=pixels -P components=0 -P n_neighbors=3 -P weights=uniform
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mnist_mlflow.algorithms._graphs.building import GraphBuilder
from mnist_mlflow.algorithms._graphs.neighbours import add_nearest
from mnist_mlflow.algorithms._projection import Rotation, add_projection, as_rotation, fit_pca, reduced
from mnist_mlflow.algorithms.base import KINDS, Callback, copies_of
from mnist_mlflow.model.scorers.graph import Graph
from mnist_mlflow.parameters import choice, integer, parameters
from mnist_mlflow.types import CLASSES, Examples

LIBRARY = "scikit-learn"
TOLERANCE = 1e-5  # of a probability
WEIGHTS = ("distance", "uniform")
SMALLEST_DISTANCE = np.float32(1e-12)  # so that an equal image has all votes


@parameters
class Params:
    """The hyperparameters of k-nearest neighbours."""

    features: str = choice("hog", KINDS, "what the images are turned into")
    copies: float = copies_of(0.5)
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


def fit(params: Params, train: Examples, tuning: Examples, seed: int, callback: Callback) -> Graph:
    """Keep the examples: the neighbours are searched when they are asked for."""
    rotations = whitened_components(train, params.components)
    examples, count = reduced(rotations, train), params.n_neighbors
    if count > len(examples.labels):
        raise ValueError(f"{len(examples.labels)} images have no {count} neighbours.")
    builder = GraphBuilder()
    distances, nearest = add_nearest(builder, add_projection(builder, rotations), examples.features, count)
    votes = builder.add("Gather", np.eye(CLASSES, dtype=np.float32)[examples.labels], nearest)
    if params.weights == "distance":
        weights = builder.add("Reciprocal", builder.add("Max", distances, SMALLEST_DISTANCE))
        votes = builder.add("Mul", votes, builder.add("Unsqueeze", weights, [2]))
    sums = builder.add("ReduceSum", votes, [1], keepdims=0)
    shares = builder.add("Div", sums, builder.add("ReduceSum", sums, [1], keepdims=1))
    return builder.finish(builder.add_log_votes(shares), train.features.shape[1])


def whitened_components(train: Examples, count: int) -> tuple[Rotation, ...]:
    """Principal components, whitened by what varies within the classes; none for 0.

    A distance then counts what tells one digit from another. Few images say little of how features vary, hence the
    shrinkage.

    Source: Bar-Hillel et al., Learning a Mahalanobis metric from equivalence constraints, 2005; Ledoit and Wolf, A
    well-conditioned estimator for large-dimensional covariance matrices, 2004.
    """
    if not count:
        return ()
    from sklearn.covariance import ledoit_wolf_shrinkage

    reduce = as_rotation(fit_pca(train.features, count))
    features = reduce(train.features)
    means = np.stack([features[train.labels == digit].mean(axis=0) for digit in range(CLASSES)])
    residuals = features - means[train.labels]
    whiten = fit_pca(residuals, whiten=True)
    shrinkage, variances = ledoit_wolf_shrinkage(residuals), whiten.explained_variance_
    whiten.explained_variance_ = (1 - shrinkage) * variances + shrinkage * variances.mean()
    return reduce, as_rotation(whiten)
