"""Pairs of sides in words."""

import dataclasses
import re

from mnist_mlflow.evaluation.disagreement import Answers
from mnist_mlflow.reports.pairs import answer, pairs_of
from tests.sides import IMAGES, side
from tests.simulated import labels_of, reads, right_but

GOOD, BAD = right_but(IMAGES, range(2)), right_but(IMAGES, range(1, 21))


def test_the_better_one_is_named_first_whatever_the_order() -> None:
    expected = r"svm aaaa is better than cnn bbbb by 9\.00 points \([3-7]\.\d0 to 1[1-5]\.\d0\), p < 0\.0001\."
    svm, cnn = side("aaaa", GOOD, algorithm="svm"), side("bbbb", BAD, algorithm="cnn")
    for sides in ([svm, cnn], [cnn, svm]):
        (sentence,) = answer(pairs_of(sides), [])
        assert re.fullmatch(expected, sentence)


def test_equal_models_cannot_be_told_apart() -> None:
    first, second = side("aaaa", GOOD), side("bbbb", right_but(IMAGES, range(1, 4)))
    (sentence,) = answer(pairs_of([second, first]), [])
    assert sentence.startswith("knn aaaa and knn bbbb cannot be told apart: 0.50 points (")
    assert sentence.endswith("), p = 1.")
    (same,) = answer(pairs_of([first, side("cccc", GOOD)]), [])
    assert same == "knn aaaa and knn cccc give every image the same probabilities."


def test_of_several_sides_the_best_is_compared_with_each() -> None:
    best, *others = answer(pairs_of([side("aaaa", BAD), side("bbbb", GOOD, GOOD), side("cccc", BAD)]), [])
    assert best == "knn bbbb (2 seeds) reads the most images right."
    assert len(others) == 2
    assert all("knn bbbb (2 seeds)" in sentence for sentence in others)


def test_sides_on_other_images_and_sides_without_answers_are_no_pairs() -> None:
    first, others = side("aaaa", GOOD), [side("bbbb", GOOD, split_digest="x"), side("cccc"), side("dddd", BAD)]
    labels = labels_of(IMAGES)[::-1]
    relabelled = dataclasses.replace(first, answers=Answers(labels, reads(labels, GOOD)[None]))
    pairs = pairs_of([first, *others, relabelled])
    assert [(pair.first.run_id, pair.second.run_id) for pair in pairs] == [("aaaa", "dddd")]
    assert answer([], ["Why."]) == ["The accuracies cannot be compared.", "Why."]
