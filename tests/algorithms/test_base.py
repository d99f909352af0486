from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
import pytest

from mnist_mlflow.algorithms import base, cnn, knn
from mnist_mlflow.algorithms.base import (
    Callback,
    algorithm_names,
    get_algorithm,
    lacking_library,
    missing_library,
    resolve,
    train_model,
)
from mnist_mlflow.data import Dataset, features_of
from mnist_mlflow.errors import UsageError
from mnist_mlflow.model.scorers.base import Scorer
from mnist_mlflow.types import Examples, Features, Scores


class Overconfident(Scorer):
    """Knows the labels by heart, but for a tenth of them, and shouts."""

    requirements = ()

    def __init__(self, lessons: Examples) -> None:
        self.answers = {row.tobytes(): label for row, label in zip(lessons.features, lessons.labels, strict=True)}

    def score(self, features: Features) -> Scores:
        labels = np.array([self.answers[row.tobytes()] for row in features])
        labels[::10] = (labels[::10] + 1) % 10
        scores: Scores = 50 * np.eye(10, dtype=np.float32)[labels]
        return scores

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        raise NotImplementedError


def test_training_extracts_features_fits_and_calibrates_on_the_tuning_slice(digits: Dataset) -> None:
    def fit(params: Any, train: Examples, tuning: Examples, seed: int, callback: Callback) -> Overconfident:
        assert np.array_equal(train.features, features_of(digits.train, "deskewed"))
        assert np.array_equal(train.labels, digits.train.labels)
        assert seed == 7
        return Overconfident(tuning)

    algorithm: Any = SimpleNamespace(fit=fit, LIBRARY="numpy")
    trained = train_model(algorithm, SimpleNamespace(features="deskewed"), digits.train, digits.tuning, 7)
    assert trained.engine == f"numpy {np.__version__}"
    assert trained.model.temperature > 1
    assert trained.tuning_probabilities.dtype == np.float64
    assert trained.tuning_probabilities.max(axis=1).mean() == pytest.approx(0.9, abs=0.02)


def test_algorithms_are_found_by_their_files() -> None:
    assert {"cnn", "forest", "knn", "logistic", "mlp", "svm", "xgboost"} <= set(algorithm_names())


def test_what_is_given_goes_before_the_recipe_and_that_before_the_defaults() -> None:
    assert resolve(cnn, {}) == cnn.Params()
    accurate = resolve(cnn, {"recipe": "accurate", "epochs": 3})
    assert accurate == cnn.Params(**{**cnn.RECIPES["accurate"], "recipe": "accurate", "epochs": 3})
    assert accurate.augmentation > cnn.Params().augmentation
    assert resolve(knn, {"n_neighbors": 3}) == knn.Params(n_neighbors=3)


def test_an_unknown_algorithm_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"no algorithm 'svn' \(did you mean 'svm'\?\); accepted: .*cnn, .* xgboost"):
        get_algorithm("svn")


def test_copies_of_the_training_images_are_learned_too(digits: Dataset) -> None:
    learned: dict[int, Examples] = {}

    def fit(params: Any, train: Examples, tuning: Examples, seed: int, callback: Callback) -> Overconfident:
        learned[seed] = train
        assert len(tuning.labels) == len(digits.tuning)
        return Overconfident(tuning)

    algorithm: Any = SimpleNamespace(fit=fit, LIBRARY="numpy")
    params = SimpleNamespace(features="hog", copies=0.5)
    for seed in (7, 8):
        train_model(algorithm, params, digits.train, digits.tuning, seed)
    size = len(digits.train)
    assert [len(train.labels) for train in learned.values()] == [size * 3 // 2] * 2
    assert np.array_equal(learned[7].features[:size], features_of(digits.train, "hog"))
    assert not np.array_equal(learned[7].features[size:], learned[8].features[size:])


def test_a_network_that_could_learn_but_not_become_a_graph_lacks_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_is_installed", lambda library: library == "tensorflow")
    assert lacking_library(["knn", "mlp"]) == ["mlp"]
    expected = 'mlp cannot learn: tf2onnx is not installed. Type: pip install "mnist-mlflow[tensorflow]"'
    assert str(missing_library(["mlp"])) == expected
