"""Tools of the peers: pixels as numbers, and the plain way to keep a model."""

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt


def pixels(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.floating]:
    """Images (n, 28, 28) as rows (n, 784) from 0 to 1."""
    return images.reshape(len(images), -1).astype(np.float32) / 255


def save(model: Any, folder: Path) -> None:
    """Keep a Keras model with Keras, any other with joblib."""
    if hasattr(model, "layers"):
        model.save(folder / "model.keras")
    else:
        joblib.dump(model, folder / "model.joblib")
