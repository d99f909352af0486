"""Three nearest neighbours on pixels, from scikit-learn."""

import numpy as np
import numpy.typing as npt
from sklearn.neighbors import KNeighborsClassifier

from benchmarks.peers.common import pixels


def fit(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> KNeighborsClassifier:
    """A classifier that has learned."""
    return KNeighborsClassifier(n_neighbors=3).fit(pixels(images), labels)


def predict(model: KNeighborsClassifier, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Its labels (n,)."""
    return model.predict(pixels(images))
