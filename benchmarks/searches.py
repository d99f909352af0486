"""What a search costs and finds: broken off early against never, its overhead, and what it gains on the validation."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, fields
from typing import Any

import click

from benchmarks.process import run_task
from benchmarks.store import Store

BUDGETS = {"svm": 60, "cnn": 420}  # seconds that each side has
WORKERS = 2  # each with its share of the cores
SEEDS = (0, 1, 2)
TRIALS = 30
STUBBED = 60  # trials whose learning takes no time
SHORT = 5  # seconds, where all that is wanted is to see whether it works


def measure_searches(store: Store) -> dict[str, Any]:
    """Pruned and unpruned searches by turns, the overhead of a trial, and whole searches against the defaults."""
    raced = [
        _told(algorithm, run_task("race", algorithm=algorithm, seed=seed, prune=prune, **_scale(store, algorithm)))
        for algorithm in BUDGETS
        for seed in SEEDS
        for prune in (True, False)
    ]
    overhead = run_task("trial_overhead", trials=STUBBED)
    return {"raced": raced, "overhead": overhead, "gained": [_gain(store, algorithm) for algorithm in BUDGETS]}


def _scale(store: Store, algorithm: str) -> dict[str, int]:
    return {"seconds": SHORT if store.train_size else BUDGETS[algorithm], "train_size": store.train_size}


def _told(algorithm: str, record: dict[str, Any]) -> dict[str, Any]:
    side = "pruned" if record["prune"] else "unpruned"
    click.echo(f"search, {algorithm}, seed {record['seed']}, {side}: {record['trials']} trials, best {record['best']}")
    return record


def _gain(store: Store, algorithm: str) -> dict[str, Any]:
    """Train with the defaults and with a search, then compare both on the validation images."""
    store.train(algorithm)
    store.train(algorithm, f"--trials={TRIALS}")
    return {"algorithm": algorithm, **run_task("gained", store=store.uri, algorithm=algorithm)}


def race(
    algorithm: str, seed: int, prune: bool, seconds: float, train_size: int = 0, data: str = "mnist"
) -> dict[str, Any]:
    """Search for so many seconds, in a study of its own; the workers begin when the clock starts."""
    from mnist_mlflow.search.storage import Plan, open_study
    from mnist_mlflow.search.story import best_trial
    from mnist_mlflow.search.study import settled
    from mnist_mlflow.search.trying import Job
    from mnist_mlflow.search.workers import Data, Gate, try_in_processes

    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(f"sqlite:///{folder}/optuna.db", "race", "log_loss", seed, {}, prune)
        study, began = open_study(plan), time.time()
        gate = Gate(study, Job(algorithm, {}, seed, plan, "", began + seconds), None)
        try_in_processes(gate, Data(data, 0, train_size), WORKERS, lambda trials: None)
        took, trials, best = time.time() - began, settled(study.trials), best_trial(study.trials, study.directions)
    return {
        "algorithm": algorithm,
        "seed": seed,
        "prune": prune,
        "seconds": took,
        "trials": len(trials),
        "complete": sum(trial.state.name == "COMPLETE" for trial in trials),
        "best": best.value if best else None,
    }


@dataclass
class _Known:
    """Takes no time to learn, and reports at every stage as what learns does."""

    tuning_probabilities: Any

    def fit(self, train: Any, tuning: Any, watch: Any) -> _Known:
        for stage in watch.stages:
            watch.judge(stage, tuning.labels, self.tuning_probabilities)
        return self


def trial_overhead(trials: int) -> dict[str, float]:
    """Milliseconds that Optuna and MLflow take of a trial, on SQLite."""
    import mlflow
    import numpy as np

    from mnist_mlflow.algorithms import svm
    from mnist_mlflow.algorithms.task import Task
    from mnist_mlflow.data import load_dataset
    from mnist_mlflow.jobs import search as searching
    from mnist_mlflow.protocol import DataOptions
    from mnist_mlflow.search import trying
    from mnist_mlflow.tracking.runs import open_run
    from mnist_mlflow.types import silent

    dataset, random = load_dataset("mnist"), np.random.default_rng(0)

    def build(params: object, seed: int) -> _Known:
        return _Known(np.full((len(dataset.tuning), 10), random.uniform(0.1, 1)))

    svm.build = build  # type: ignore[assignment]
    # Pictures are drawn once for a search, however many trials there are; scoring is neither Optuna nor MLflow.
    vars(searching).update(draw=lambda study, objective, folder: None)
    vars(trying).update(essentials=lambda labels, scored: {"accuracy": 0.9, "log_loss": scored[0, 0], "ece": 0.1})
    with tempfile.TemporaryDirectory() as folder:
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        with open_run("svm", {"role": "model", "algorithm": "svm"}) as run:
            searching.search_in(
                run, Task("svm", {}, DataOptions("mnist", trials=1)), dataset, silent
            )  # loads libraries
            began = time.perf_counter()
            searching.search_in(run, Task("svm", {}, DataOptions("mnist", trials=1 + trials)), dataset, silent)
            took = time.perf_counter() - began
        mlflow.set_tracking_uri(None)
    return {"trials": trials, "ms": 1000 * took / trials}


def gained(store: str, algorithm: str) -> dict[str, Any]:
    """What a search has gained over the defaults, on the validation images, pair by pair."""
    import mlflow

    from mnist_mlflow.algorithms.base import get_algorithm
    from mnist_mlflow.data import load_dataset
    from mnist_mlflow.evaluation.significance import paired_difference
    from mnist_mlflow.tracking.results import read_probabilities

    mlflow.set_tracking_uri(store)
    labels = load_dataset("mnist").validation.labels
    client = mlflow.MlflowClient(store)
    condition = f"tags.role = 'model' and tags.algorithm = '{algorithm}'"
    default, best = client.search_runs(["0"], condition, order_by=["start_time"])
    right = [
        read_probabilities(run.info.artifact_uri, "validation", labels).argmax(axis=1) == labels
        for run in (default, best)
    ]
    found = {field.name: best.data.params[field.name] for field in fields(get_algorithm(algorithm).Params)}
    metrics = ("val_accuracy", "val_log_loss", "val_ece", "fit_seconds")
    return {
        "defaults": {name: default.data.metrics[name] for name in metrics},
        "best": {name: best.data.metrics[name] for name in metrics},
        "difference": paired_difference(*right),
        "trials": {name: int(best.data.tags[f"trials_{name}"]) for name in ("complete", "pruned", "fail")},
        "seconds": (best.info.end_time - best.info.start_time) / 1000,
        "params": {name: value for name, value in found.items() if default.data.params[name] != value},
    }
