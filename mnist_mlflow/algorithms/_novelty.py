"""Novelty, learned: the digits that were learned from, and how far from them a real one may lie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mnist_mlflow.model.features import hog
from mnist_mlflow.model.novelty import Novelty
from mnist_mlflow.types import CLASSES, Features, Labels, Part

MOST_IMAGES = 10_000
DIRECTIONS = 20
SHARE_LOST = 0.005  # of the real digits


def learn_novelty(train: Part, tuning: Part) -> Novelty:
    """The digits by the training images, with a limit by those of the tuning slice."""
    rows = np.linspace(0, len(train) - 1, min(len(train), MOST_IMAGES)).astype(np.intp)
    novelty = _fit(hog(train.images[rows]), train.labels[rows])
    nearest = novelty.distances(hog(tuning.images)).min(axis=1)
    return replace(novelty, limit=float(np.quantile(nearest, 1 - SHARE_LOST)))


def _fit(features: Features, labels: Labels) -> Novelty:
    means, directions, variances, rest = [], [], [], []
    for digit in range(CLASSES):
        of_digit = features[labels == digit]
        mean = of_digit.mean(axis=0)
        values, vectors = np.linalg.eigh(np.cov((of_digit - mean).T))
        means.append(mean)
        directions.append(vectors[:, -DIRECTIONS:].T)
        variances.append(np.maximum(values[-DIRECTIONS:], 1e-6))
        rest.append(np.maximum(values[:-DIRECTIONS].mean(), 1e-6))
    arrays = (np.asarray(array, np.float32) for array in (means, directions, variances, rest))
    return Novelty(*arrays, 0.0)  # type: ignore[call-arg,arg-type]
