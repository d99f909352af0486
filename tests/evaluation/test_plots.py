from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from mnist_mlflow.data import Dataset
from mnist_mlflow.evaluation.plots import pictures

CURVES = {"train_loss": [(1, 0.9), (2, 0.5)], "epoch_val_accuracy": [(1, 0.7), (2, 0.8)]}


def guess(digits: Dataset, right: float) -> np.ndarray:
    random = np.random.default_rng(0)
    labels = digits.validation.labels
    guessed = np.where(random.random(len(labels)) < right, labels, (labels + 1) % 10)
    return np.eye(10)[guessed] * 0.9 + 0.01


@pytest.mark.parametrize("right", [0.0, 0.9, 1.0])
def test_draws_every_picture(digits: Dataset, right: float) -> None:
    drawn = pictures(digits.validation, guess(digits, right), CURVES, "knn")
    assert set(drawn) == {"confusion_matrix", "per_class", "reliability", "mistakes", "learning_curves"}
    for png in drawn.values():
        pixels = np.asarray(Image.open(BytesIO(png)).convert("L"))
        assert min(pixels.shape) >= 300
        assert pixels.std() > 5


def test_draws_no_curves_where_there_are_none(digits: Dataset) -> None:
    assert "learning_curves" not in pictures(digits.validation, guess(digits, 0.9), {}, "knn")
