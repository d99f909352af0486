import json
from pathlib import Path

import numpy as np
import pytest

from mnist_mlflow.algorithms import cnn, knn
from mnist_mlflow.algorithms.base import BATCH, Classifier, Watch, algorithm_names, get_algorithm, resolve
from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UsageError
from mnist_mlflow.types import Images, Part


class Overconfident(Classifier):
    """Knows the labels by heart, but for a tenth of them, and shouts."""

    requirements = ()
    library = "numpy"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def _learn(self, train: Part, tuning: Part, watch: Watch) -> None:
        self.answers = {image.tobytes(): label for image, label in zip(tuning.images, tuning.labels, strict=True)}

    def _scores(self, images: Images) -> np.ndarray:
        self.batches.append(len(images))
        labels = np.array([self.answers.get(image.tobytes(), 0) for image in images])
        labels[::10] = (labels[::10] + 1) % 10
        return 50 * np.eye(10, dtype=np.float32)[labels]

    def _save(self, folder: Path) -> None: ...

    def _restore(self, folder: Path) -> None: ...


def test_probabilities_are_calibrated_on_the_tuning_slice(digits: Dataset) -> None:
    classifier = Overconfident().fit(digits.train, digits.tuning)
    probabilities = classifier.predict_proba(digits.tuning.images)
    assert probabilities.dtype == np.float64
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert probabilities.max(axis=1).mean() == pytest.approx(0.9, abs=0.02)


def test_predicts_in_batches_and_reports(digits: Dataset) -> None:
    classifier = Overconfident().fit(digits.train, digits.tuning)
    classifier.batches.clear()
    reports: list[tuple[str, int, int]] = []
    images = np.zeros((2 * BATCH + 7, 28, 28), np.uint8)
    assert classifier.predict_proba(images, lambda *report: reports.append(report)).shape == (len(images), 10)
    assert classifier.batches == [BATCH, BATCH, 7]
    assert reports[-1] == ("predict", len(images), len(images))


def test_the_calibration_is_kept(digits: Dataset, tmp_path: Path) -> None:
    classifier = Overconfident().fit(digits.train, digits.tuning)
    classifier.save(tmp_path)
    assert Overconfident().restore(tmp_path).temperature == classifier.temperature != 1
    assert json.loads((tmp_path / "calibration.json").read_text())


def test_algorithms_are_found_by_their_files() -> None:
    assert algorithm_names() == ["cnn", "forest", "knn", "logistic", "mlp", "svm", "xgboost"]


def test_what_is_given_goes_before_the_recipe_and_that_before_the_defaults() -> None:
    assert resolve(cnn, {}) == cnn.Params()
    accurate = resolve(cnn, {"recipe": "accurate", "epochs": 3})
    assert accurate == cnn.Params(**{**cnn.RECIPES["accurate"], "recipe": "accurate", "epochs": 3})
    assert accurate.augmentation > cnn.Params().augmentation
    assert resolve(knn, {"n_neighbors": 3}) == knn.Params(n_neighbors=3)


def test_an_unknown_algorithm_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"no algorithm 'svn'; accepted: cnn, .* xgboost"):
        get_algorithm("svn")
