import math

import numpy as np
import pytest

from mnist_mlflow.evaluation.significance import (
    Right,
    accuracy_difference,
    accuracy_interval,
    holm,
    largest_p,
    mcnemar,
    paired_difference,
)

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


def readers(both: int, first: int, second: int, neither: int) -> tuple[Right, Right]:
    """Which images two models read right, so many of each kind."""
    kinds = [(True, True)] * both + [(True, False)] * first + [(False, True)] * second + [(False, False)] * neither
    one, other = np.array(kinds).T
    return one, other


def exact(first: int, second: int) -> float:
    """McNemar's exact test, counted out."""
    either = first + second
    tail = sum(math.comb(either, k) for k in range(min(first, second) + 1)) / float(2**either)
    return min(1.0, 2 * tail)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (5, 1), (30, 12), (40, 40), (12, 30)])
def test_mcnemar_counts_what_one_alone_reads_right(first: int, second: int) -> None:
    p_value = mcnemar(*readers(900, first, second, 15))
    assert p_value == pytest.approx(exact(first, second) if first + second else 1)


@pytest.mark.parametrize(("mistakes", "others"), [(60, 45), (100, 45), (8, 3)])
def test_no_mistake_in_common_is_what_tells_two_models_apart_least(mistakes: int, others: int) -> None:
    shared = [mcnemar(*readers(9_000, others - common, mistakes - common, common)) for common in range(others + 1)]
    assert largest_p(mistakes, others) == pytest.approx(max(shared)) == pytest.approx(shared[0])
    assert shared == sorted(shared, reverse=True)


def stepwise(p_values: list[float]) -> list[float]:
    """Holm's procedure as its author tells it: step by step, the smallest first, until one is not significant."""
    adjusted, largest = dict.fromkeys(range(len(p_values)), 0.0), 0.0
    left = sorted(range(len(p_values)), key=lambda index: p_values[index])
    while left:
        largest = max(largest, min(1.0, len(left) * p_values[left[0]]))
        adjusted[left.pop(0)] = largest
    return list(adjusted.values())


@pytest.mark.parametrize("p_values", [[], [0.02], [0.01, 0.04, 0.03], [0.04, 0.001, 0.5, 0.001, 0.9]])
def test_holm_corrects_step_by_step(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(stepwise(p_values))


def test_holm_errs_in_one_family_of_twenty() -> None:
    erred = sum(min(holm(list(RANDOM.uniform(size=8)))) < 0.05 for _ in range(1_000))
    assert 20 <= erred <= 80


def test_the_difference_of_accuracies_is_bootstrapped_over_the_images() -> None:
    first, second = readers(9_800, 60, 95, 45)
    found, expected = accuracy_difference(first, second), paired_difference(first, second)
    assert found[0] == pytest.approx(expected[0]) == pytest.approx(0.0035)
    assert found[1:] == pytest.approx(expected[1:], abs=2e-4)
    assert accuracy_difference(first, first) == (0, 0, 0)


def test_the_interval_of_an_accuracy_is_wilsons() -> None:
    low, high = accuracy_interval(99, 100)  # by hand, with z = 1.96
    assert (low, high) == pytest.approx((0.9455, 0.9982), abs=1e-4)
