"""The search for neighbours with and without scikit-learn-intelex."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from mnist_mlflow.algorithms import knn
from mnist_mlflow.algorithms.base import TrainedModel, get_algorithm, train_model
from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.features import hog
from mnist_mlflow.types import Examples

PLAIN: dict[str, Any] = {"features": "pixels", "components": 0, "n_neighbors": 3, "weights": "uniform"}


def fit(digits: Dataset, **given: Any) -> TrainedModel:
    return train_model(get_algorithm("knn"), knn.Params(**given), digits.train, digits.tuning, 0)


def accuracy(trained: TrainedModel, digits: Dataset) -> float:
    answers = trained.model.predict_proba(digits.validation.images).argmax(axis=1)
    return float((answers == digits.validation.labels).mean())


def test_plain_scikit_learn_does_without_intelex(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearnex.neighbors", None)
    plain = fit(digits)
    assert plain.engine.startswith("scikit-learn 1.")
    assert accuracy(plain, digits) > 0.95


def test_what_intelex_learned_predicts_the_same_without_it(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearnex", reason="scikit-learn-intelex is for x86-64 alone")
    fast = fit(digits)
    assert fast.engine.startswith("scikit-learn-intelex ")
    images = digits.validation.images
    expected = fast.model.predict_proba(images)
    fast.model.save(tmp_path / "model")
    monkeypatch.setitem(sys.modules, "sklearnex.neighbors", None)
    assert np.allclose(DigitModel.load(tmp_path / "model").predict_proba(images), expected, atol=1e-5)


def test_the_plain_baseline_is_scikit_learns(digits: Dataset) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    rows = digits.train.images.reshape(-1, 784) / 255
    baseline = KNeighborsClassifier(3).fit(rows, digits.train.labels)
    expected = baseline.predict_proba(digits.validation.images.reshape(-1, 784) / 255)
    clear = expected.max(axis=1) > 0.5
    answers = fit(digits, **PLAIN).model.predict_proba(digits.validation.images).argmax(axis=1)
    assert np.array_equal(answers[clear], expected.argmax(axis=1)[clear])


def test_whitening_takes_out_what_varies_within_the_classes(digits: Dataset) -> None:
    """As the covariance that scikit-learn shrinks says."""
    features, labels = hog(digits.train.images), digits.train.labels
    reduce, whiten = knn.whitened_components(Examples(features, labels), 20)
    reduced = reduce(features)
    residuals = reduced - np.stack([reduced[labels == digit].mean(axis=0) for digit in range(10)])[labels]
    covariance, shrinkage = ledoit_wolf(residuals)
    assert shrinkage > 0.005
    assert whiten.scales is not None
    linear = whiten.directions / whiten.scales[:, None]
    assert np.allclose(linear @ covariance @ linear.T, np.eye(20), atol=0.01)


@pytest.mark.parametrize("components", [70, 95])
def test_a_hundred_images_are_enough_to_whiten(components: int) -> None:
    few = load_dataset("digits", train_size=100)
    assert accuracy(fit(few, components=components), few) > 0.85


def test_pixels_that_are_always_dark_do_not_matter(digits: Dataset) -> None:
    assert accuracy(fit(digits, features="pixels", components=400), digits) > 0.85
