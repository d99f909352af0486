from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from mnist_mlflow.data import Dataset
from mnist_mlflow.evaluation.corruptions import CORRUPTIONS, STRENGTHS
from mnist_mlflow.evaluation.drawing import as_png
from mnist_mlflow.evaluation.robustness import (
    METRIC,
    RobustnessScore,
    as_metrics,
    by_corruption,
    score_answers,
    score_table,
    summarize,
)
from mnist_mlflow.evaluation.robustness_plots import draw_accuracies, draw_samples

LABELS = np.array([3, 3, 7, 7], np.uint8)
SURE = np.array([True, True, True, False])


def test_answers_are_counted() -> None:
    score = score_answers("blur", 2, LABELS, np.array([3, 8, 7, 1]), SURE)
    assert score == RobustnessScore("blur", 2, images=4, right=2, sure=3, sure_wrong=1)
    assert score_answers("blur", 2, LABELS, LABELS, None) == RobustnessScore("blur", 2, 4, 4)


def test_the_mean_is_over_corruptions_and_the_error_over_all_sure_answers() -> None:
    scores = [RobustnessScore("blur", 1, 4, 4, 4, 0), RobustnessScore("blur", 2, 4, 1, 1, 1)]
    assert summarize(scores) == {
        "val_accuracy_corrupted": pytest.approx(0.625),
        "val_coverage_corrupted": pytest.approx(5 / 8),
        "val_selective_error_corrupted": pytest.approx(1 / 5),
    }
    unsure = [RobustnessScore("blur", 1, 4, 4, 0, 0)]
    assert summarize(unsure) == {"val_accuracy_corrupted": 1, "val_coverage_corrupted": 0}
    assert summarize([RobustnessScore("blur", 1, 4, 4)]) == {"val_accuracy_corrupted": 1}


def test_the_table_has_intervals_coverage_and_the_error_of_sure_answers() -> None:
    table = score_table([RobustnessScore("blur", 1, 100, 90, 80, 8), RobustnessScore("blur", 2, 100, 50, 0, 0)])
    assert list(table) == [
        "corruption", "strength", "images", "accuracy", "accuracy_low", "accuracy_high", "coverage", "selective_error",
    ]  # fmt: skip
    assert (table.accuracy_low < table.accuracy).all()
    assert (table.accuracy < table.accuracy_high).all()
    assert table.coverage.tolist() == [0.8, 0]
    assert table.selective_error[0] == pytest.approx(0.1)
    assert np.isnan(table.selective_error[1])


def test_the_worst_corruption_is_first_and_an_incomplete_one_is_left_out() -> None:
    right = {"blur": (90, 80, 70), "noise": (99, 10, 10)}
    scores = [
        RobustnessScore(name, strength, 100, counts[strength - 1])
        for name, counts in right.items()
        for strength in STRENGTHS
    ]
    metrics = as_metrics([*scores, RobustnessScore("thin", 1, 100, 1)])
    assert metrics["val_accuracy_blur_3"] == 0.7
    accuracies = by_corruption({**metrics, "val_accuracy": 0.9})
    assert list(accuracies.items()) == [("noise", [0.99, 0.1, 0.1]), ("blur", [0.9, 0.8, 0.7])]


def test_the_pictures_are_drawn(digits: Dataset) -> None:
    metrics = {METRIC.format(name, strength): 0.9 for name in CORRUPTIONS for strength in STRENGTHS}
    figures = draw_accuracies(by_corruption(metrics), "a model"), draw_samples(digits.validation.images[0], "a digit")
    for figure in figures:
        pixels = np.asarray(Image.open(BytesIO(as_png(figure))).convert("L"))
        assert min(pixels.shape) >= 500
        assert pixels.std() > 5
