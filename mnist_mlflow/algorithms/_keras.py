"""Keras on TensorFlow, quiet and repeatable."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import Any


@functools.cache
def keras_on_tensorflow() -> Any:
    """Keras on TensorFlow, without the greetings that TensorFlow writes before its log level applies."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow takes it by itself on the newest processors alone; where AVX2 is all, a cnn learns twice as fast by it.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        import keras
        import tensorflow  # noqa: F401

        return keras
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def be_repeatable(seed: int) -> None:
    """Have this process draw, and add up, in the same order each time."""
    import tensorflow as tf

    keras_on_tensorflow().utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
