"""The machines as a graph against LIBSVM's own answers."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.svm import SVC

from mnist_mlflow.algorithms import svm
from mnist_mlflow.algorithms._graphs.building import GraphBuilder
from mnist_mlflow.algorithms.base import SILENT
from mnist_mlflow.algorithms.svm import add_closest_duels
from mnist_mlflow.data import Dataset
from mnist_mlflow.model.features import hog, pixels
from mnist_mlflow.model.scorers.graph import FEATURES
from mnist_mlflow.types import Examples, Features


@pytest.fixture(scope="module")
def learned(digits: Dataset) -> tuple[SVC, Features]:
    features = hog(digits.train.images)
    pca = PCA(30).fit(features)
    svc = SVC(C=5, gamma=0.8, decision_function_shape="ovo").fit(pca.transform(features), digits.train.labels)
    return svc, pca.transform(hog(digits.validation.images)).astype(np.float32)


def closest_duels(won: Features) -> Features:
    builder = GraphBuilder()
    return np.asarray(builder.finish(add_closest_duels(builder, FEATURES), 45).score(won.astype(np.float32)))


@pytest.mark.parametrize("kernel", ["rbf", "poly"])
def test_the_duels_are_decided_as_libsvm_decides_them(kernel: str, digits: Dataset) -> None:
    features = pixels(digits.train.images)
    svc = SVC(C=5, kernel=kernel, gamma=0.02, coef0=1, decision_function_shape="ovo").fit(features, digits.train.labels)
    builder = GraphBuilder()
    margins = svm.add_decisions(builder, FEATURES, svc, 0.02)
    images = pixels(digits.validation.images)
    scores = builder.finish(add_closest_duels(builder, margins), 784).score(images)
    assert scores.dtype == np.float32
    assert np.allclose(scores, closest_duels(svc.decision_function(images)), atol=1e-4)


@pytest.mark.parametrize("components", [0, 30])
def test_the_plain_machine_is_libsvms_with_gamma_in_units_of_the_features(digits: Dataset, components: int) -> None:
    params = svm.Params(features="pixels", components=components, C=2.0, gamma=1.5)
    plain, labels = pixels(digits.train.images), digits.train.labels
    images = pixels(digits.validation.images)
    lessons = Examples(plain, labels)
    answers = svm.fit(params, lessons, lessons, 0, SILENT).score(images).argmax(axis=1)
    if components:
        pca = PCA(components, svd_solver="covariance_eigh").fit(plain)
        plain, images = pca.transform(plain), pca.transform(images)
    reference = SVC(C=2.0, gamma=1.5 / (plain.shape[1] * plain.var())).fit(plain, labels)
    assert (answers == reference.predict(images)).mean() > 0.98  # votes that are tied are settled otherwise


def test_the_worst_duel_agrees_with_the_votes_where_those_are_clear(learned: tuple[SVC, Features]) -> None:
    svc, features = learned
    scores = closest_duels(svc.decision_function(features))
    undefeated = scores.max(axis=1) > 0
    assert undefeated.mean() > 0.9
    assert np.array_equal(scores.argmax(axis=1)[undefeated], svc.predict(features)[undefeated])


def test_the_worst_duel_by_a_plain_loop() -> None:
    won = np.random.default_rng(0).normal(size=(4, 45)).astype(np.float32)
    expected = np.full((4, 10), np.inf)
    duel = 0
    for first in range(10):
        for second in range(first + 1, 10):
            expected[:, first] = np.minimum(expected[:, first], won[:, duel])
            expected[:, second] = np.minimum(expected[:, second], -won[:, duel])
            duel += 1
    assert np.allclose(closest_duels(won), expected)
