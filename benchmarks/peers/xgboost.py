"""Gradient-boosted trees on pixels, from XGBoost."""

import numpy as np
import numpy.typing as npt
from xgboost import XGBClassifier

from benchmarks.peers.common import pixels


def fit(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> XGBClassifier:
    """A classifier that has learned."""
    return XGBClassifier(tree_method="hist", n_estimators=200, max_depth=6).fit(pixels(images), labels)


def predict(model: XGBClassifier, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Its labels (n,)."""
    return model.predict(pixels(images))
