"""Random forest on pixels, from scikit-learn."""

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier

from benchmarks.peers.common import pixels


def fit(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> RandomForestClassifier:
    """A classifier that has learned."""
    return RandomForestClassifier(200, n_jobs=-1).fit(pixels(images), labels)


def predict(model: RandomForestClassifier, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Its labels (n,)."""
    return model.predict(pixels(images))
