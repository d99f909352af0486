import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import ttest_ind

from mnist_mlflow.evaluation.significance import Correct, accuracy_difference, mcnemar, paired_test

IMAGES = 10_000


def configuration(shared: range, *own: range) -> Correct:
    """One row for each seed: all images right but the shared ones and those of its own."""
    correct = np.ones((len(own), IMAGES), bool)
    correct[:, list(shared)] = False
    for row, wrong in zip(correct, own, strict=True):
        row[list(wrong)] = False
    return correct


def accuracies(correct: Correct) -> npt.NDArray[np.float64]:
    return np.asarray(correct.mean(axis=1), float)


BEST = configuration(range(20), range(100, 120), range(200, 225), range(300, 318))
NEAR = configuration(range(10, 40), range(400, 420), range(500, 525), range(600, 619))
POOR = configuration(range(20, 150), range(400, 420), range(500, 525), range(600, 619))
WILD = configuration(range(20, 60), range(400, 440), range(500, 700), range(700, 710))


@pytest.mark.parametrize("seeds", [(1, 1), (3, 3), (1, 4)])
def test_models_that_no_seed_changes_are_told_apart_by_their_images_alone(seeds: tuple[int, int]) -> None:
    first, second = BEST[:1].repeat(seeds[0], axis=0), NEAR[:1].repeat(seeds[1], axis=0)
    found = paired_test(first, second)
    assert (found.mean, found.low, found.high) == accuracy_difference(BEST[0], NEAR[0])
    assert found.p_value == mcnemar(BEST[0], NEAR[0])


def test_the_variances_over_images_and_over_seeds_are_added() -> None:
    found = paired_test(BEST, NEAR)
    by_image = NEAR.mean(axis=0) - BEST.mean(axis=0)
    variance = by_image.var(ddof=1) / IMAGES + sum(accuracies(one).var(ddof=1) / 3 for one in (BEST, NEAR))
    assert found.mean == pytest.approx(by_image.mean())
    assert found.high - found.mean == pytest.approx(1.96 * variance**0.5 + 1 / IMAGES, rel=0.01)


def test_a_difference_that_every_seed_and_many_images_show_is_found() -> None:
    assert paired_test(BEST, POOR).p_value < 0.001
    assert paired_test(POOR, BEST).mean == -paired_test(BEST, POOR).mean > 0.01


def test_a_difference_that_the_seeds_do_not_show_is_none() -> None:
    assert mcnemar(BEST[1], WILD[1]) < 1e-9
    by_seeds = ttest_ind(accuracies(BEST), accuracies(WILD), equal_var=False).pvalue
    assert paired_test(BEST, WILD).p_value >= by_seeds > 0.05


def test_two_seeds_that_look_alike_are_not_believed() -> None:
    first = configuration(range(30), range(30, 33), range(40, 44))
    second = configuration(range(100, 150), range(200, 210), range(300, 326))
    by_seeds = ttest_ind(accuracies(first), accuracies(second), equal_var=False).pvalue
    assert paired_test(first, second).p_value == pytest.approx(by_seeds, abs=0.01)
    assert by_seeds > 0.1 > mcnemar(first[0], second[0])


@pytest.mark.parametrize("other", [NEAR, POOR, WILD, NEAR[:1], POOR[:1], POOR[:2]])
def test_the_interval_is_without_zero_where_p_is_small(other: Correct) -> None:
    found = paired_test(BEST, other)
    assert (found.p_value < 0.05) == (not found.low <= 0 <= found.high)
    assert found.low < found.mean < found.high


def test_one_seed_borrows_the_spread_of_the_other_configuration() -> None:
    found = paired_test(BEST, POOR[:1])
    by_seeds = ttest_ind(accuracies(BEST), accuracies(POOR[:1])).pvalue
    assert found.p_value > by_seeds > mcnemar(BEST[0], POOR[0])


def test_few_images_do_not_decide_however_alike_the_seeds_are() -> None:
    none, five = configuration(range(0), range(10, 11), range(20, 21)), configuration(range(5), range(1), range(1))
    assert paired_test(none, five).p_value > 0.05  # each seed of the one has an image wrong, of the other five


def test_seeds_that_read_as_many_right_are_no_certainty() -> None:
    first = configuration(range(0), range(10, 12), range(20, 22))
    second = configuration(range(0), range(30, 33), range(40, 43))
    assert paired_test(first, second).p_value > 0.05
    assert paired_test(first, first[::-1]).p_value == 1
