"""The verdict on a model that was trained again."""

import numpy as np
import pytest

from mnist_mlflow.evaluation.verdict import DIFFERENT, IDENTICAL, NOT_DIFFERENT, WITHIN_TOLERANCE, judge
from tests.simulated import labels_of, reads, right_but

LABELS = labels_of(1_000)
OLD = reads(LABELS, right_but(1_000, range(10)))


def test_the_same_probabilities_are_identical() -> None:
    verdict = judge(LABELS, OLD, OLD.copy(), 0)
    assert (verdict.word, verdict.largest, verdict.changed) == (IDENTICAL, 0, ())
    assert verdict.is_equal


@pytest.mark.parametrize(("tolerance", "word"), [(1e-3, WITHIN_TOLERANCE), (1e-5, NOT_DIFFERENT), (0, NOT_DIFFERENT)])
def test_the_tolerance_decides_about_one_probability(tolerance: float, word: str) -> None:
    new = OLD.copy()
    new[7, 3] += 1e-4
    verdict = judge(LABELS, OLD, new, tolerance)
    assert (verdict.word, verdict.where, verdict.changed) == (word, 7, ())
    assert verdict.largest == pytest.approx(1e-4)
    assert verdict.is_equal == (word == WITHIN_TOLERANCE)


@pytest.mark.parametrize(("mistakes", "word"), [(4, NOT_DIFFERENT), (30, DIFFERENT)])
def test_images_that_change_sides_are_named_and_tested(mistakes: int, word: str) -> None:
    new = reads(LABELS, right_but(1_000, range(10), range(500, 500 + mistakes)))
    verdict = judge(LABELS, OLD, new, 0.01)
    assert verdict.word == word
    assert verdict.changed == tuple(range(500, 500 + mistakes))
    assert verdict.test.mean == pytest.approx(-mistakes / 1_000)
    assert f"{-mistakes / 10:+.2f} points" in verdict.reason


def test_a_probability_that_is_no_number_is_no_agreement() -> None:
    new = OLD.copy()
    new[0, 0] = np.nan
    assert judge(LABELS, OLD, new, 1).word == NOT_DIFFERENT
