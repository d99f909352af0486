import logging

import pytest

from mnist_mlflow.algorithms import logistic
from mnist_mlflow.data import Dataset


@pytest.mark.parametrize(("max_iter", "says"), [(5, True), (1_000, False)])
def test_a_solver_that_was_stopped_says_what_to_type(
    max_iter: int, says: bool, digits: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        logistic.build(logistic.Params(max_iter=max_iter), 0).fit(digits.train, digits.tuning)
    assert ("has not converged in 5 steps; more, for example: max_iter=50" in caplog.text) == says
