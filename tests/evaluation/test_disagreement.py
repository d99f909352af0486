"""Disagreement between models on the same images."""

import numpy as np
import pytest

from mnist_mlflow.evaluation.disagreement import Answers, disagreements, rows_only_first_reads
from mnist_mlflow.evaluation.significance import mcnemar
from tests.simulated import Right, labels_of, reads, right_but

LABELS = labels_of(100)


def answers(*rights: Right, confidence: float = 0.9) -> Answers:
    return Answers(LABELS, np.stack([reads(LABELS, right, confidence) for right in rights]))


def test_a_pair_is_the_first_minus_the_second() -> None:
    better, worse = right_but(100, range(2)), right_but(100, range(1, 13))
    (found,) = disagreements([(answers(better), answers(worse))])
    assert (found.only_first, found.only_second) == (11, 1)
    assert found.accuracy.mean == pytest.approx(0.10)
    assert found.accuracy.p_value == found.p_corrected == mcnemar(better, worse)
    assert found.log_loss[0] < found.log_loss[2] < 0
    assert not found.is_none


def test_p_values_are_corrected_for_the_number_of_pairs() -> None:
    better, worse = answers(right_but(100, range(2))), answers(right_but(100, range(10)))
    first, second = disagreements([(better, worse), (worse, better)])
    assert first.p_corrected == second.p_corrected == 2 * first.accuracy.p_value


def test_equal_probabilities_are_no_disagreement() -> None:
    (found,) = disagreements([(answers(right_but(100, range(2))), answers(right_but(100, range(2))))])
    assert found.is_none
    assert found.accuracy.p_value == 1
    assert found.log_loss == (0, 0, 0)


def test_of_several_seeds_the_means_are_compared() -> None:
    group = answers(right_but(100, range(2)), right_but(100, range(4)))
    (found,) = disagreements([(group, answers(right_but(100)))])
    assert (found.only_first, found.only_second) == (0, 3)
    assert group.interval[0] < 0.97 < group.interval[1]


def test_an_image_is_only_the_first_s_if_all_its_seeds_read_it_and_none_of_the_second() -> None:
    first = answers(right_but(100, range(2)), right_but(100, range(3)))
    second = answers(right_but(100, range(1, 5)), right_but(100, range(2, 6)))
    assert rows_only_first_reads(first, second) == [3, 4]
    assert rows_only_first_reads(second, first) == [0]


def test_the_most_confident_come_first() -> None:
    second = answers(right_but(100, range(3)))
    second.probabilities[0, 2, (LABELS[2] + 1) % 10] = 0.99
    assert rows_only_first_reads(answers(right_but(100)), second) == [2, 0, 1]
    assert second.digits[2] == (LABELS[2] + 1) % 10
    assert second.confidence[2] == 0.99
