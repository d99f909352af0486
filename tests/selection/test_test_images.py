import numpy as np
import pytest

from mnist_mlflow.data.label_errors import CORRECTED, MNIST
from mnist_mlflow.selection.test_images import metrics_on
from mnist_mlflow.types import Part
from tests.simulated import labels_of, reads, right_but


def test_an_accuracy_has_its_interval() -> None:
    labels = labels_of(200)
    part = Part(np.zeros((200, 28, 28), np.uint8), labels)
    metrics = metrics_on(part, reads(labels, right_but(200, range(10))), "another")
    assert metrics["test_accuracy_low"] < metrics["test_accuracy"] == 0.95 < metrics["test_accuracy_high"]
    assert "test_accuracy_corrected" not in metrics


def test_known_wrong_labels_are_set_right_in_a_figure_of_its_own() -> None:
    labels = np.zeros(10_000, np.uint8)
    for index, (label, _) in CORRECTED.items():
        labels[index] = label
    probabilities = np.eye(10)[labels]
    probabilities[1901] = np.eye(10)[4]  # as people read it
    probabilities[2130] = np.eye(10)[7]  # which people cannot read
    metrics = metrics_on(Part(np.zeros((10_000, 28, 28), np.uint8), labels), probabilities, MNIST)
    assert metrics["test_accuracy"] == pytest.approx(9_998 / 10_000)
    assert metrics["test_accuracy_corrected"] == pytest.approx((9_995 - 9) / 9_995)
    assert metrics["test_accuracy_corrected_low"] < metrics["test_accuracy_corrected"] < 1
