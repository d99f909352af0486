"""Support vector machine with a radial kernel on pixels, from scikit-learn."""

import numpy as np
import numpy.typing as npt
from sklearn.svm import SVC

from benchmarks.peers.common import pixels


def fit(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> SVC:
    """A classifier that has learned."""
    return SVC(C=10, gamma=0.02).fit(pixels(images), labels)


def predict(model: SVC, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Its labels (n,)."""
    return model.predict(pixels(images))
