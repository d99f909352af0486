import numpy as np
import pytest

from mnist_mlflow.evaluation.selective import promises, risk_coverage, selective

ALLOWED, IMAGES, DRAWS = 0.02, 400, 3_000


def test_coverage_and_error_are_shares() -> None:
    correct, sure = np.array([True, False, True, False]), np.array([True, True, False, False])
    assert selective(correct, sure) == {"coverage": 0.5, "selective_error": 0.5}
    assert selective(correct, np.zeros(4, bool)) == {"coverage": 0.0}


def test_the_curve_counts_the_mistakes_among_the_first() -> None:
    coverage, error = risk_coverage(np.array([True, True, False, True]))
    assert np.allclose(coverage, [0.25, 0.5, 0.75, 1])
    assert np.allclose(error, [0, 0, 1 / 3, 1 / 4])


def test_a_threshold_is_the_rank_of_a_mistake_and_promises_one_more_than_there_were() -> None:
    ranks = np.linspace(1, 0, 101)
    correct = np.ones(101, bool)
    correct[[40, 90, 95, 100]] = False
    thresholds, promised = promises(ranks, correct)
    assert np.array_equal(thresholds, [ranks[90], ranks[95], ranks[100], -np.inf])  # 40 promises more: it is left out
    assert np.allclose(promised, [2 / 91, 3 / 96, 4 / 101, 5 / 102])


@pytest.mark.parametrize("count", [1, 5])
def test_of_mistakes_alone_nothing_is_promised(count: int) -> None:
    _, promised = promises(np.linspace(1, 0, count), np.zeros(count, bool))
    assert promised == pytest.approx([1.0])


def test_answers_of_the_same_rank_stand_or_fall_together() -> None:
    thresholds, promised = promises(np.array([0.9, 0.9, 0.9, 0.5]), np.array([True, False, True, True]))
    assert np.isneginf(thresholds[0])
    assert promised == pytest.approx([2 / 5])


def error_of(threshold: float) -> float:
    """The error among answers above a threshold, of ranks within 0-1 of which a share of 0.2 (1 - rank)^3 is wrong."""
    return 0.05 * (1 - threshold) ** 3


@pytest.mark.parametrize("doubt", [0, 1])
def test_the_promise_is_kept_on_average_and_would_not_be_without_one_more_mistake(doubt: int) -> None:
    random = np.random.default_rng(0)
    errors = []
    for _ in range(DRAWS):
        ranks = random.random(IMAGES)
        correct = random.random(IMAGES) > 0.2 * (1 - ranks) ** 3
        thresholds, promised = promises(ranks, correct)
        above = (ranks[None] > thresholds[:, None]).sum(axis=1)
        allowed = thresholds[promised - (1 - doubt) / (above + 1) <= ALLOWED]
        errors.append(error_of(max(0.0, allowed[-1])) if len(allowed) else 0.0)
    assert (np.mean(errors) <= ALLOWED) == bool(doubt)
