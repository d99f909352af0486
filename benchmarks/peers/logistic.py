"""Logistic regression on pixels, from scikit-learn; it stops after the default's 100 steps, unconverged."""

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from benchmarks.peers.common import pixels


def fit(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> LogisticRegression:
    """A classifier that has learned."""
    return LogisticRegression(max_iter=100).fit(pixels(images), labels)


def predict(model: LogisticRegression, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Its labels (n,)."""
    return model.predict(pixels(images))
