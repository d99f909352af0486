from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from mnist_mlflow.data import Dataset
from mnist_mlflow.evaluation.plots import pictures
from mnist_mlflow.model.readings import Readings

CURVES = {"train_loss": [(1, 0.9), (2, 0.5)], "epoch_val_accuracy": [(1, 0.7), (2, 0.8)]}


def guess(digits: Dataset, right: float, promised: float = 0.01) -> Readings:
    random = np.random.default_rng(0)
    labels = digits.validation.labels
    guessed = np.where(random.random(len(labels)) < right, labels, (labels + 1) % 10)
    none, why = np.zeros(len(labels), bool), np.full(len(labels), "")
    promises = np.where(random.random(len(labels)) < 0.9, promised, np.inf)
    return Readings(digits.validation.images, none, np.eye(10)[guessed] * 0.9 + 0.01, why, promises)


@pytest.mark.parametrize(("right", "promised"), [(0.0, 0.1), (0.9, 0.01), (1.0, np.inf)])
def test_draws_every_picture(digits: Dataset, right: float, promised: float) -> None:
    drawn = pictures(digits.validation, guess(digits, right, promised), CURVES, "knn")
    names = {"confusion_matrix", "per_class", "reliability", "risk_coverage", "mistakes", "learning_curves"}
    assert set(drawn) == names
    for png in drawn.values():
        pixels = np.asarray(Image.open(BytesIO(png)).convert("L"))
        assert min(pixels.shape) >= 300
        assert pixels.std() > 5


def test_draws_no_curves_where_there_are_none(digits: Dataset) -> None:
    assert "learning_curves" not in pictures(digits.validation, guess(digits, 0.9), {}, "knn")
