"""One side of a row: learn, then read the test images."""

import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.common import save
from benchmarks.process import MB, peak_mb, timed
from benchmarks.targets import ROWS
from mnist_mlflow.algorithms.abstention import with_abstention
from mnist_mlflow.algorithms.base import TrainedModel, engine, get_algorithm, resolve, train_model
from mnist_mlflow.data import load_dataset
from mnist_mlflow.data.mnist import folders, load_mnist
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.types import Part, silent


def ours(row: str, seed: int = 0, train_size: int = 0) -> dict[str, Any]:
    """Learn from the images that the protocol teaches with, features included."""
    load_peer(row)
    dataset = load_dataset("mnist", 0, train_size)
    record = measure(
        lambda: learn(row, dataset.train, dataset.tuning, seed),
        lambda trained: trained.model.predict_proba(dataset.test.images).argmax(axis=1),
        lambda trained, folder: trained.model.save(folder / "model"),
        dataset.test,
    )
    return {"learned": len(dataset.train), "engine": engine(get_algorithm(ROWS[row].algorithm).LIBRARY), **record}


def peer(row: str, train_size: int = 0) -> dict[str, Any]:
    """Learn from all training images."""
    program = load_peer(row)
    train, test = load_mnist(silent)
    images, labels = train.images[: train_size or None], train.labels[: train_size or None]
    record = measure(
        lambda: program.fit(images, labels),
        lambda model: program.predict(model, test.images),
        save,
        test,
    )
    return {"learned": len(images), **record}


def learn(row: str, train: Part, tuning: Part, seed: int) -> TrainedModel:
    """The model of a row, trained."""
    algorithm = get_algorithm(ROWS[row].algorithm)
    trained = train_model(algorithm, resolve(algorithm, ROWS[row].params), train, tuning, seed)
    return with_abstention(trained, train, tuning, DataOptions().max_error)


def load_peer(row: str) -> Any:
    """The peer's program. Ours imports it too: both sides have the library loaded before the clock starts."""
    return import_module(f"benchmarks.peers.{ROWS[row].algorithm}")


def mnist_folder() -> str:
    """The folder that holds MNIST, downloaded if need be."""
    load_mnist(silent)
    return str(next(path for path in folders() if any(path.glob("train-images-idx3-ubyte*"))))


def measure(
    fit: Callable[[], Any], predict: Callable[[Any], Any], save: Callable[[Any, Path], object], test: Part
) -> dict[str, Any]:
    """Seconds, memory of the process at its peak, size on disk, and accuracy on the test images."""
    model, fit_seconds = timed(fit)
    labels, predict_seconds = timed(lambda: predict(model))
    peak = peak_mb()
    with tempfile.TemporaryDirectory() as folder:
        save(model, Path(folder))
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return {
        "accuracy": float(np.mean(labels == test.labels)),
        "tested": len(test),
        "fit_seconds": fit_seconds,
        "predict_seconds": predict_seconds,
        "peak_mb": peak,
        "model_mb": size / MB,
    }
