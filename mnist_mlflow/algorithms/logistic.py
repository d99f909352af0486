"""Multinomial logistic regression on HOG features: the linear baseline.

Expect about 99.3 % on the test images, 9 s to learn 45,000 on two cores.

Other threads, or the instructions of another processor, moved its probabilities by 0.013. The solver stops near its
optimum, and rounding decides where. The tolerance is 0.03.

    mlflow run . -e logistic --env-manager local
    mlflow run . -e logistic --env-manager local -P features=pixels -P C=0.1
"""

from __future__ import annotations

import logging
import warnings
from typing import Any

from mnist_mlflow.algorithms._graphs.building import GraphBuilder
from mnist_mlflow.algorithms.base import KINDS, Callback, copies_of
from mnist_mlflow.model.scorers.graph import FEATURES, Graph
from mnist_mlflow.parameters import choice, integer, parameters, real
from mnist_mlflow.types import Examples

LIBRARY = "scikit-learn"
SECONDS = 9
TOLERANCE = 0.03  # of a probability

_logger = logging.getLogger(__name__)


@parameters
class Params:
    """The hyperparameters of logistic regression."""

    features: str = choice("hog", KINDS, "what the images are turned into")
    copies: float = copies_of(0.25)
    C: float = real(1.0, 1e-6, 1e6, "inverse strength of the L2 penalty")
    max_iter: int = integer(200, 1, 10_000, "steps of the solver, which stops by itself when it has converged")


def suggest(trial: Any) -> Params:
    """The search space."""
    return Params(
        features=trial.suggest_categorical("features", KINDS),
        C=trial.suggest_float("C", 1e-3, 1e2, log=True),
    )


def fit(params: Params, train: Examples, tuning: Examples, seed: int, callback: Callback) -> Graph:
    """L-BFGS on the softmax loss."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    estimator = LogisticRegression(C=params.C, max_iter=params.max_iter)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # said below, in words that tell what to type
        estimator.fit(train.features, train.labels)
    if estimator.n_iter_.max() >= (steps := params.max_iter):
        _logger.warning("logistic has not converged in %d steps; more, for example: max_iter=%d", steps, 10 * steps)
    builder = GraphBuilder()
    logits = builder.add_affine(FEATURES, estimator.coef_.T, estimator.intercept_)
    return builder.finish(logits, train.features.shape[1])
