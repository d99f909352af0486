"""The search for neighbours as a graph against scikit-learn's."""

from typing import Any

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from mnist_mlflow.algorithms import knn
from mnist_mlflow.algorithms._graphs.building import SMALLEST_SHARE
from mnist_mlflow.algorithms.base import SILENT, TrainedModel, get_algorithm, train_model
from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.model.features import hog
from mnist_mlflow.types import Examples

PLAIN: dict[str, Any] = {"features": "pixels", "components": 0, "n_neighbors": 3, "weights": "uniform"}


def fit(digits: Dataset, **given: Any) -> TrainedModel:
    return train_model(get_algorithm("knn"), knn.Params(**given), digits.train, digits.tuning, 0)


def accuracy(trained: TrainedModel, digits: Dataset) -> float:
    answers = trained.model.predict_proba(digits.validation.images).argmax(axis=1)
    return float((answers == digits.validation.labels).mean())


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("size", [20, 30, 2_000])  # all are compared exactly, or the best by integers are
def test_the_neighbours_and_their_votes_are_scikit_learns(size: int, weights: str) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    random = np.random.default_rng(0)
    rows, labels = random.normal(size=(size, 30)).astype(np.float32), np.arange(size).astype(np.uint8) % 10
    lessons = Examples(rows, labels)
    params = knn.Params(components=0, n_neighbors=5, weights=weights)
    graph = knn.fit(params, lessons, lessons, 0, SILENT)
    images = np.concatenate([random.normal(size=(50, 30)), 3 * random.normal(size=(50, 30)), rows[:3]])
    reference = KNeighborsClassifier(5, weights=weights).fit(rows, labels).predict_proba(images)
    scores = graph.score(images.astype(np.float32))
    assert np.allclose(scores, np.log(np.maximum(reference, SMALLEST_SHARE)), atol=1e-4)


def test_more_neighbours_than_images_are_refused() -> None:
    lessons = Examples(np.zeros((4, 2), np.float32), np.arange(4, dtype=np.uint8))
    with pytest.raises(ValueError, match="4 images have no 8 neighbours"):
        knn.fit(knn.Params(components=0), lessons, lessons, 0, SILENT)


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
