import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from mnist_mlflow.algorithms import _projection
from mnist_mlflow.algorithms._graphs.building import GraphBuilder
from mnist_mlflow.algorithms._projection import (
    SHRINKAGE,
    add_projection,
    as_rotation,
    discriminant_directions,
    discriminants,
    project,
    reduced,
)
from mnist_mlflow.types import Examples

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(60, 12)).astype(np.float32)


@pytest.mark.parametrize("whiten", [False, True])
def test_a_rotation_is_that_of_scikit_learn(whiten: bool) -> None:
    pca = PCA(7, whiten=whiten, svd_solver="covariance_eigh").fit(ROWS)
    assert np.array_equal(as_rotation(pca)(ROWS), pca.transform(ROWS))


def test_a_graph_rotates_as_the_algorithm_that_learned_does() -> None:
    first = as_rotation(PCA(10, svd_solver="covariance_eigh").fit(ROWS))
    second = as_rotation(PCA(10, whiten=True, svd_solver="covariance_eigh").fit(first(ROWS)))
    builder = GraphBuilder()
    graph = builder.finish(add_projection(builder, (first, second)), 12)
    assert np.allclose(graph.score(ROWS), project((first, second), ROWS), atol=1e-5)


@pytest.fixture(scope="module")
def examples() -> Examples:
    """Thirty images of each of three digits, of five features that go together otherwise in each digit."""
    random = np.random.default_rng(0)
    mixtures, means = random.normal(size=(3, 5, 5)), random.normal(size=(3, 1, 5))
    features = means + random.normal(size=(3, 30, 5)) @ mixtures
    return Examples(features.reshape(-1, 5).astype(np.float32), np.repeat(np.array([2, 5, 7], np.uint8), 30))


def test_a_discriminant_is_that_of_the_two_digits_alone(examples: Examples) -> None:
    features = examples.features.astype(np.float64)
    directions = discriminant_directions(features, examples.labels)
    for direction, pair in zip(directions, ((2, 5), (2, 7), (5, 7)), strict=True):
        rows = np.isin(examples.labels, pair)
        known = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE).fit(
            features[rows], examples.labels[rows]
        )
        expected = -known.coef_[0]
        assert np.allclose(direction / np.linalg.norm(direction), expected / np.linalg.norm(expected))


def test_a_discriminant_has_the_deviation_1_within_its_digits(
    examples: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_projection, "SHRINKAGE", 0.0)
    values = reduced(discriminants(examples, 2), examples).features[:, 0]
    within = [values[examples.labels == digit].var() for digit in (2, 5)]
    assert np.mean(within) == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize(("count", "width"), [(2, 3 + 2), (0, 3 + 5)])
def test_discriminants_stand_beside_components_or_features(examples: Examples, count: int, width: int) -> None:
    beside = reduced(discriminants(examples, count), examples).features
    assert beside.shape == (90, width)
    if not count:
        assert np.allclose(beside[:, 3:], examples.features - examples.features.mean(axis=0), atol=1e-6)


def test_a_digit_may_have_a_single_image() -> None:
    features = np.eye(3)
    assert np.isfinite(discriminant_directions(features, np.arange(3, dtype=np.uint8))).all()
