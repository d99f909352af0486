"""Small models to be exported, made without training: the nearest of ten mean digits, and what is like no digit."""

import numpy as np

from mnist_mlflow.data import Dataset
from mnist_mlflow.model.abstention import Abstention
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.features import HOG, extract
from mnist_mlflow.model.novelty import Novelty
from tests.scorers import linear

COMPONENTS = 5


def nearest_mean(digits: Dataset, kind: str, temperature: float = 1.0) -> DigitModel:
    """A model by features of this kind, without abstention."""
    means = class_means(digits, kind)
    return DigitModel(kind, linear(2 * means, -(means**2).sum(axis=1)), temperature)


def class_means(digits: Dataset, kind: str) -> np.ndarray:
    features, labels = extract(kind, digits.train.images), digits.train.labels
    return np.stack([features[labels == digit].mean(axis=0) for digit in range(10)])


def abstention(digits: Dataset, max_error: float) -> Abstention:
    """An abstention for which half of the digits that were learned are like one."""
    means = class_means(digits, HOG)
    mean = means.mean(axis=0)
    directions = np.linalg.svd(means - mean, full_matrices=False)[2][:COMPONENTS]
    fields = {
        "mean": mean,
        "directions": directions,
        "means": (means - mean) @ directions.T,
        "whiteners": np.stack([np.eye(COMPONENTS) * (1 + digit / 10) for digit in range(10)]),
    }
    novelty = Novelty.from_arrays({**fields, "limit": 0})
    nearest = novelty.distances(extract(HOG, digits.train.images)).min(axis=1)
    limit = float(np.median(nearest))
    return Abstention(
        max_error,
        np.array([0.9, 0.6, -np.inf]),
        np.array([0.01, 0.1, 0.4]),
        Novelty.from_arrays({**fields, "limit": limit}),
    )
