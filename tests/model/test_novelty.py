"""Distances to the digits, of features that are made of numbers."""

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis

from mnist_mlflow.model.novelty import Novelty

RANDOM = np.random.default_rng(0)
COVARIANCES = np.stack([np.cov(RANDOM.normal(size=(3, 20)) * [[1], [2], [3]]) for _ in range(10)])
NOVELTY = Novelty.from_arrays(
    {
        "mean": RANDOM.normal(size=5),
        "directions": np.linalg.qr(RANDOM.normal(size=(5, 3)))[0].T,
        "means": 9 * RANDOM.normal(size=(10, 3)),
        "whiteners": np.linalg.inv(np.linalg.cholesky(COVARIANCES)),
        "limit": 3.0,
    }
)


def test_the_distance_is_that_of_mahalanobis_for_each_dimension() -> None:
    features = RANDOM.normal(size=(4, 5)).astype(np.float32)
    components = (features - NOVELTY.mean) @ NOVELTY.directions.T
    expected = [
        [
            mahalanobis(row, mean, np.linalg.inv(covariance)) / np.sqrt(3)
            for mean, covariance in zip(NOVELTY.means, COVARIANCES, strict=True)
        ]
        for row in components
    ]
    assert np.allclose(NOVELTY.distances(features), expected, rtol=1e-4)


def test_the_distance_of_one_image_is_that_in_a_batch() -> None:
    features = RANDOM.normal(size=(7, 5)).astype(np.float32)
    assert np.array_equal(
        NOVELTY.distances(features), np.concatenate([NOVELTY.distances(row[None]) for row in features])
    )


def test_what_is_far_from_all_ten_is_no_digit() -> None:
    digits = NOVELTY.mean + NOVELTY.means @ NOVELTY.directions
    assert not NOVELTY.is_far(digits).any()
    assert NOVELTY.is_far(digits + 100 * NOVELTY.directions.sum(axis=0)).all()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"means": np.zeros((9, 3))}, "of novelty have the shapes"),
        ({"whiteners": np.zeros((10, 3, 2))}, "of novelty have the shapes"),
        ({"mean": np.full(5, np.nan)}, "hold what is no number"),
        ({"limit": np.inf}, "hold what is no number"),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(change: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Novelty.from_arrays(vars(NOVELTY) | change)
