"""The logits of a Keras network. Importing this file imports Keras and TensorFlow."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from mnist_mlflow.errors import MissingLibraryError, one_line
from mnist_mlflow.model.scorers.base import Scorer
from mnist_mlflow.types import Features, Scores


def _import_keras() -> Any:
    """Keras on TensorFlow, without the greetings that TensorFlow writes before its log level applies."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow takes it by itself on the newest processors alone; where AVX2 is all, a cnn learns twice as fast by it.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    sys.stderr.flush()
    stderr = os.dup(2)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        import keras
        import tensorflow  # noqa: F401 (it greets as soon as it is imported)

        return keras
    except ImportError as error:
        raise MissingLibraryError(
            f"Networks run on TensorFlow, which cannot be imported ({one_line(error)}). Type: pip install tensorflow"
        ) from error
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


keras = _import_keras()


@dataclass(frozen=True)
class Network(Scorer):
    """A network that takes rows of features, kept without what its optimizer remembers, twice as large as itself."""

    requirements = ("keras", "tensorflow")

    network: Any

    def score(self, features: Features) -> Scores:
        """Logits (n, 10)."""
        return np.asarray(self.network(features, training=False))

    def save(self, folder: Path) -> None:
        """Write `network.keras`."""
        bare = keras.Sequential([keras.Input(self.network.input_shape[1:]), *self.network.layers])
        bare.save(folder / "network.keras")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `network.keras`; Keras refuses layers that hold code."""
        return cls(keras.saving.load_model(folder / "network.keras", compile=False))
