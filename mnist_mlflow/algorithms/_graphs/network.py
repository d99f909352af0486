"""Keras networks as graphs, by Keras' own export. Importing this file imports Keras and TensorFlow."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mnist_mlflow.errors import MissingLibraryError, one_line
from mnist_mlflow.model.scorers.graph import FEATURES, SCORES, Graph


@contextlib.contextmanager
def _in_silence() -> Iterator[None]:
    """Nothing is written to the terminal by TensorFlow, whose C++ code knows no log level at times."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


def _import_keras() -> Any:
    """Keras on TensorFlow, without the greetings that TensorFlow writes before its log level applies."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow takes it by itself on the newest processors alone; where AVX2 is all, a cnn learns twice as fast by it.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        with _in_silence():
            import keras
            import tensorflow  # noqa: F401 (it greets as soon as it is imported)

            return keras
    except ImportError as error:
        raise MissingLibraryError(
            f"Networks learn by TensorFlow, which cannot be imported ({one_line(error)}). "
            'Type: pip install "mnist-mlflow[tensorflow]"'
        ) from error


keras = _import_keras()


def as_graph(network: Any) -> Graph:
    """The logits of a network that takes rows of features; the network itself is what learning could go on with.

    It is kept without what its optimizer remembers, which is twice as large as itself.
    """
    bare = keras.Sequential([keras.Input(network.input_shape[1:]), *network.layers])
    bare(np.zeros((1, *network.input_shape[1:]), np.float32))  # Keras exports what has been called
    with tempfile.TemporaryDirectory() as folder:
        bare.save(file := Path(folder) / "network.keras")
        with _in_silence():
            bare.export(graph := Path(folder) / "network.onnx", format="onnx", verbose=False)
        return Graph(_with_names_of_ours(graph), {file.name: file.read_bytes()})


def _with_names_of_ours(path: Path) -> bytes:
    """The content of an ONNX file whose input and output are renamed to `features` and `scores`."""
    import onnx

    model = onnx.load(path)
    names = {model.graph.input[0].name: FEATURES, model.graph.output[0].name: SCORES}
    for value in (*model.graph.input, *model.graph.output):
        value.name = names[value.name]
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    return bytes(model.SerializeToString())
