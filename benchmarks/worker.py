"""What a fresh process does: one task, one JSON record as the last line that it prints.

For example: python -m benchmarks.worker ours '{"row": "svm"}'
"""

import json
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.common import save
from benchmarks.process import timed
from benchmarks.rows import ROWS
from benchmarks.searches import gained, race, trial_overhead
from benchmarks.selecting import rank_store, simulated_rates
from benchmarks.serving import accuracies, predict_latency, request_latency
from mnist_mlflow.algorithms.base import Classifier, get_algorithm, resolve
from mnist_mlflow.data import load_dataset
from mnist_mlflow.data.mnist import folders, load_mnist
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.types import Part, silent

Record = dict[str, Any]

MB = 1_000_000
PROTOCOL_TEACHES = 45_000  # images at most
TUNING = 5_000
PREDICTED = 10_000  # as many as there are validation images


def ours(row: str, seed: int = 0, train_size: int = 0) -> Record:
    """Learn from the images that the protocol teaches with, features included."""
    _peer(row)
    dataset = load_dataset("mnist", 0, train_size)
    classifier = build(row, seed)
    record = measure(
        lambda: classifier.fit(dataset.train, dataset.tuning),
        lambda model: model.predict_proba(dataset.test.images).argmax(axis=1),
        lambda model, folder: model.save(folder),
        dataset.test,
    )
    return {"learned": len(dataset.train), "engine": classifier.engine, **record}


def build(row: str, seed: int) -> Classifier:
    """The classifier of a row, which has not learned yet."""
    algorithm = get_algorithm(ROWS[row].algorithm)
    return algorithm.build(resolve(algorithm, ROWS[row].given), seed)


def peer(row: str, train_size: int = 0) -> Record:
    """Learn from all training images."""
    program = _peer(row)
    train, test = load_mnist(silent)
    images, labels = train.images[: train_size or None], train.labels[: train_size or None]
    record = measure(
        lambda: program.fit(images, labels),
        lambda model: program.predict(model, test.images),
        save,
        test,
    )
    return {"learned": len(images), **record}


def tracked(row: str, store: str, seed: int = 0, train_size: int = 0) -> Record:
    """Learn as `ours` does, but in a run of a store, and ask the model that it has logged."""
    import mlflow

    from mnist_mlflow.algorithms.task import Task
    from mnist_mlflow.jobs.train import train

    _peer(row)
    mlflow.set_tracking_uri(store)
    task = Task(ROWS[row].algorithm, ROWS[row].given, DataOptions("mnist", train_size=train_size, seed=seed))
    outcome, dataset = train(task, silent), load_dataset("mnist", 0, train_size)
    model = mlflow.pyfunc.load_model(f"models:/{outcome.model_id}")
    predicted, predict_seconds = timed(lambda: model.predict(dataset.test.images)["digit"].to_numpy())
    return {
        "learned": len(dataset.train),
        "engine": mlflow.get_run(outcome.run_id).data.tags["engine"],
        "accuracy": float(np.mean(predicted == dataset.test.labels)),
        "tested": len(dataset.test),
        "fit_seconds": outcome.metrics["fit_seconds"],
        "predict_seconds": predict_seconds,
        "peak_mb": peak_mb(),
        "model_mb": outcome.metrics["model_mb"],
    }


def peak_mb() -> float:
    """The memory of this process at its peak."""
    import resource  # which Windows has not

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MB


def _peer(row: str) -> Any:
    """The peer's program. Ours imports it too: both sides have the library loaded before the clock starts."""
    return import_module(f"benchmarks.peers.{ROWS[row].algorithm}")


def measure(
    fit: Callable[[], Any], predict: Callable[[Any], Any], save: Callable[[Any, Path], None], test: Part
) -> Record:
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


def growth(algorithm: str, size: int) -> Record:
    """Learn from `size` images; scored on the validation images where those have not been learned."""
    _peer(algorithm)
    train, tuning, validation = _parts(size)
    classifier = build(algorithm, 0)
    _, fit_seconds = timed(lambda: classifier.fit(train, tuning))
    asked = (validation or train).images[:PREDICTED]  # it takes no less time where they have been learned
    probabilities, predict_seconds = timed(lambda: classifier.predict_proba(asked))
    record = {"algorithm": algorithm, "size": size, "fit_seconds": fit_seconds, "predict_seconds": predict_seconds}
    if validation:
        record["error"] = float(np.mean(probabilities.argmax(axis=1) != validation.labels))
    return record


def _parts(size: int) -> tuple[Part, Part, Part | None]:
    """What teaches, tunes and validates; made anew, so that no features but theirs are computed."""
    if size <= PROTOCOL_TEACHES:
        dataset = load_dataset("mnist", 0, size)
        return _anew(dataset.train), _anew(dataset.tuning), dataset.validation
    train, _ = load_mnist(silent)
    chosen = np.random.default_rng(0).permutation(len(train))[:size]
    return _anew(train[chosen]), _anew(train[chosen[-TUNING:]]), None


def _anew(part: Part) -> Part:
    return Part(part.images, part.labels)


def data() -> str:
    """The folder that holds MNIST, downloaded if need be."""
    load_mnist(silent)
    return str(next(folder for folder in folders() if any(folder.glob("train-images-idx3-ubyte*"))))


WORK: tuple[Callable[..., Any], ...] = (
    *(ours, tracked, peer, growth, predict_latency, request_latency, accuracies, data),
    *(race, trial_overhead, gained),
    *(rank_store, simulated_rates),
)

if __name__ == "__main__":
    tasks = {task.__name__: task for task in WORK}
    print(json.dumps(tasks[sys.argv[1]](**json.loads(sys.argv[2]))))
