import numpy as np
import pytest

from mnist_mlflow.evaluation.significance import paired_difference

RANDOM = np.random.default_rng(0)


def test_the_interval_is_that_of_the_normal_distribution_where_there_are_many_images() -> None:
    first = RANDOM.normal(size=5_000)
    second = first + RANDOM.normal(0.1, 1.0, 5_000)
    mean, low, high = paired_difference(first, second)
    error = (second - first).std(ddof=1) / np.sqrt(5_000)
    assert mean == pytest.approx((second - first).mean())
    assert (low, high) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=error / 5)


def test_what_pairs_have_in_common_does_not_widen_it() -> None:
    common = RANDOM.normal(0, 100, 1_000)
    _, low, high = paired_difference(common, common + RANDOM.normal(0.5, 0.1, 1_000))
    assert 0.48 < low < high < 0.52


def test_shares_of_right_answers_are_compared_too() -> None:
    first = np.array([True] * 95 + [False] * 5)
    mean, low, high = paired_difference(first, np.ones(100, bool))
    assert mean == pytest.approx(0.05)
    assert 0 <= low < 0.05 < high < 0.12


def test_no_difference_has_no_interval() -> None:
    assert paired_difference(np.ones(9), np.ones(9)) == (0, 0, 0)


def test_the_same_figures_give_the_same_interval() -> None:
    first, second = RANDOM.normal(size=(2, 300))
    assert paired_difference(first, second) == paired_difference(first, second)


def test_one_interval_in_twenty_misses() -> None:
    missed = 0
    for _ in range(200):
        first, second = RANDOM.normal(size=(2, 100))
        _, low, high = paired_difference(first, second)
        missed += not low <= 0 <= high
    assert 2 <= missed <= 24
