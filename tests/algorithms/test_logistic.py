import logging

import pytest

from mnist_mlflow.algorithms import logistic
from mnist_mlflow.algorithms.base import SILENT
from mnist_mlflow.data import Dataset, features_of
from mnist_mlflow.types import Examples


@pytest.mark.parametrize(("max_iter", "says"), [(5, True), (1_000, False)])
def test_a_solver_that_was_stopped_says_what_to_type(
    max_iter: int, says: bool, digits: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    hog = Examples(features_of(digits.train, "hog"), digits.train.labels)
    with caplog.at_level(logging.WARNING):
        logistic.fit(logistic.Params(max_iter=max_iter), hog, hog, 0, SILENT)
    assert ("has not converged in 5 steps; more, for example: max_iter=50" in caplog.text) == says
