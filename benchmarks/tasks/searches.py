"""Searches: a race against the clock, the overhead of a trial, and the gain over the defaults."""

import tempfile
import time
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import mlflow
import numpy as np

from benchmarks.targets import WORKERS
from mnist_mlflow.algorithms.base import get_algorithm
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import load_dataset
from mnist_mlflow.evaluation.significance import paired_difference
from mnist_mlflow.jobs import search as searching
from mnist_mlflow.jobs.versions import versions
from mnist_mlflow.protocol import DataOptions, SearchOptions
from mnist_mlflow.search import runner
from mnist_mlflow.search.joining import announce
from mnist_mlflow.search.machine import Processes
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.spec import SearchSpec, subject
from mnist_mlflow.search.summary import Summary
from mnist_mlflow.search.supervisor import supervise
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.queries import experiment_ids
from mnist_mlflow.tracking.results import read_probabilities
from mnist_mlflow.types import silent


def race(
    algorithm: str, seed: int, prune: bool, seconds: float, train_size: int = 0, data: str = "mnist"
) -> dict[str, Any]:
    """Search for so many seconds, in a study of its own; the workers begin when the clock starts."""
    options = DataOptions(data, train_size=train_size, seed=seed)
    task = Task(algorithm, protocol=options, search=SearchOptions(timeout=seconds, workers=WORKERS))
    with tempfile.TemporaryDirectory() as folder:
        about = subject(task, load_dataset(data, train_size=train_size))
        began = time.time()
        storage = f"sqlite:///{folder}/optuna.db"
        spec = SearchSpec(task, "race", storage, "race", data, about, began + seconds, prune)
        queue = TrialQueue(spec)
        announce(queue, versions(algorithm))
        supervise(queue, Processes(WORKERS), lambda records: None)
        took, summary = time.time() - began, Summary(spec, queue.records())
    return {
        "algorithm": algorithm,
        "seed": seed,
        "prune": prune,
        "seconds": took,
        "trials": len(summary.counted_trials),
        "complete": sum(record.is_complete for record in summary.counted_trials),
        "best": summary.best.values[0] if summary.best else None,
    }


def trial_overhead(trials: int) -> dict[str, float]:
    """Milliseconds that Optuna and MLflow take of a trial, on SQLite."""
    dataset, random = load_dataset("mnist"), np.random.default_rng(0)

    def train_model(algorithm: Any, params: Any, train: Any, tuning: Any, *rest: Any) -> Any:
        return SimpleNamespace(tuning_probabilities=np.full((len(tuning), 10), random.uniform(0.1, 1)))

    # Plots are drawn once for a search, however many trials there are. Neither shares nor scores are Optuna or MLflow.
    vars(searching).update(draw=lambda study, objective, folder: None)
    vars(runner).update(
        train_model=train_model,
        share_of=lambda part, size: part,
        essentials=lambda labels, scored: {"accuracy": 0.9, "log_loss": scored[0, 0], "ece": 0.1},
    )
    with tempfile.TemporaryDirectory() as folder:
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        with open_run("svm", {"role": "model", "algorithm": "svm"}) as run:
            searching.search_in(run, _task(1), dataset, silent)  # loads libraries
            began = time.perf_counter()
            searching.search_in(run, _task(1 + trials), dataset, silent)
            took = time.perf_counter() - began
        mlflow.set_tracking_uri(None)
    return {"trials": trials, "ms": 1000 * took / trials}


def _task(trials: int) -> Task:
    return Task("svm", {}, DataOptions("mnist", trials=trials))


def gained(store: str, algorithm: str) -> dict[str, Any]:
    """The gain of a search over the defaults, on the validation images, pair by pair."""
    mlflow.set_tracking_uri(store)
    labels = load_dataset("mnist").validation.labels
    client = mlflow.MlflowClient(store)
    condition = f"tags.role = 'model' and tags.algorithm = '{algorithm}'"
    default, best = client.search_runs(experiment_ids(client, ""), condition, order_by=["start_time"])
    right = [
        read_probabilities(run.info.artifact_uri, "validation", labels).argmax(axis=1) == labels
        for run in (default, best)
    ]
    params = {field.name: best.data.params[field.name] for field in fields(get_algorithm(algorithm).Params)}
    metrics = ("val_accuracy", "val_log_loss", "val_ece", "fit_seconds")
    return {
        "defaults": {name: default.data.metrics[name] for name in metrics},
        "best": {name: best.data.metrics[name] for name in metrics},
        "difference": paired_difference(*right),
        "trials": {name: int(best.data.tags[f"trials_{name}"]) for name in ("complete", "pruned", "fail")},
        "seconds": (best.info.end_time - best.info.start_time) / 1000,
        "params": {name: value for name, value in params.items() if default.data.params[name] != value},
    }
