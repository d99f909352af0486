"""The search for neighbours with and without scikit-learn-intelex."""

import sys
from pathlib import Path

import numpy as np
import pytest
from mnist_mlflow.model.images import hog
from sklearn.covariance import ledoit_wolf

from mnist_mlflow.algorithms import knn
from mnist_mlflow.data import Dataset, load_dataset

PLAIN = {"features": "pixels", "components": 0, "n_neighbors": 3, "weights": "uniform"}


@pytest.fixture
def without_intelex(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setitem(sys.modules, "sklearnex.neighbors", None)
    return monkeypatch


def test_plain_scikit_learn_does_without_intelex(without_intelex: object, digits: Dataset) -> None:
    classifier = knn.build(knn.Params(), 0).fit(digits.train, digits.tuning)
    assert classifier.engine.startswith("scikit-learn 1.")
    found = classifier.predict_proba(digits.validation.images).argmax(axis=1)
    assert (found == digits.validation.labels).mean() > 0.95


def test_what_intelex_learned_predicts_the_same_without_it(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearnex", reason="scikit-learn-intelex is for x86-64 alone")
    fast = knn.build(knn.Params(), 0).fit(digits.train, digits.tuning)
    assert fast.engine.startswith("scikit-learn-intelex ")
    fast.save(tmp_path)
    monkeypatch.setitem(sys.modules, "sklearnex.neighbors", None)
    plain = knn.build(knn.Params(), 0).restore(tmp_path)
    assert plain.engine.startswith("scikit-learn 1.")
    images = digits.validation.images
    assert np.allclose(plain.predict_proba(images), fast.predict_proba(images), atol=1e-5)


def test_the_plain_baseline_is_scikit_learns(digits: Dataset) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    rows = digits.train.images.reshape(-1, 784) / 255
    baseline = KNeighborsClassifier(3).fit(rows, digits.train.labels)
    expected = baseline.predict_proba(digits.validation.images.reshape(-1, 784) / 255)
    classifier = knn.build(knn.Params(**PLAIN), 0).fit(digits.train, digits.tuning)
    clear = expected.max(axis=1) > 0.5
    found = classifier.predict_proba(digits.validation.images).argmax(axis=1)
    assert np.array_equal(found[clear], expected.argmax(axis=1)[clear])


def test_whitening_takes_out_what_varies_within_the_classes(digits: Dataset) -> None:
    """As the covariance that scikit-learn shrinks says."""
    classifier = knn.build(knn.Params(components=20), 0).fit(digits.train, digits.tuning)
    assert isinstance(classifier, knn.NearestNeighbours)
    reduce, whiten = (step for _, step in classifier.projection.steps)
    reduced, labels = reduce.transform(hog(digits.train.images)), digits.train.labels
    residuals = reduced - np.stack([reduced[labels == digit].mean(axis=0) for digit in range(10)])[labels]
    covariance, shrinkage = ledoit_wolf(residuals)
    assert shrinkage > 0.005
    linear = whiten.components_ / np.sqrt(whiten.explained_variance_)[:, None]
    assert np.allclose(linear @ covariance @ linear.T, np.eye(20), atol=0.01)


@pytest.mark.parametrize("components", [70, 95])
def test_a_hundred_images_are_enough_to_whiten(components: int) -> None:
    few = load_dataset("digits", train_size=100)
    classifier = knn.build(knn.Params(components=components), 0).fit(few.train, few.tuning)
    assert (classifier.predict_proba(few.validation.images).argmax(axis=1) == few.validation.labels).mean() > 0.85


def test_pixels_that_are_always_dark_do_not_matter(digits: Dataset) -> None:
    params = knn.Params(features="pixels", components=400)
    classifier = knn.build(params, 0).fit(digits.train, digits.tuning)
    assert (classifier.predict_proba(digits.validation.images).argmax(axis=1) == digits.validation.labels).mean() > 0.85
