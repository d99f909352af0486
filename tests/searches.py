"""Searches that take no more than seconds, and their traces in a store."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import mlflow
import pytest

from mnist_mlflow.algorithms import knn
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import load_dataset
from mnist_mlflow.jobs.versions import versions
from mnist_mlflow.protocol import DataOptions, SearchOptions
from mnist_mlflow.search.joining import announce
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.records import TrialRecord
from mnist_mlflow.search.spec import SearchSpec, subject
from mnist_mlflow.tracking.store import studies_uri

Client: TypeAlias = mlflow.MlflowClient
FIXED = {"features": "deskewed"}
TASK = Task("knn")


def task(trials: int = 5, algorithm: str = "knn", **search: Any) -> Task:
    return Task(algorithm, FIXED, DataOptions("digits", train_size=200, trials=trials), SearchOptions(**search))


def trials_of(client: Client, run_id: str) -> dict[str, mlflow.entities.Run]:
    runs = client.search_runs(["0"], f"tags.mlflow.parentRunId = '{run_id}'", order_by=["attributes.start_time"])
    return {run.info.run_name: run for run in runs}


def queue_of(name: str) -> TrialQueue:
    """The queue of a study beside the store, for a process of its own run."""
    return TrialQueue(SearchSpec(TASK, name, studies_uri()))


def records_of(name: str) -> list[TrialRecord]:
    return queue_of(name).records()


def specify(
    folder: Path,
    algorithm: str = "knn",
    hyperparameters: Mapping[str, Any] | None = None,
    trials: int = 0,
    objective: str = "log_loss",
    workers: int = 1,
    train_size: int = 300,
    **options: Any,
) -> SearchSpec:
    """A search on the bundled digits, in a study in a folder."""
    data = DataOptions("digits", train_size=train_size, trials=trials)
    search = SearchOptions(timeout=1e6, objective=objective, workers=workers)
    storage = options.pop("storage", f"sqlite:///{folder}/optuna.db")
    return SearchSpec(Task(algorithm, hyperparameters or {}, data, search), "s", storage, "run", "digits", **options)


def announced(spec: SearchSpec) -> TrialQueue:
    """The queue of a search that workers can join."""
    options = spec.task.protocol
    dataset = load_dataset(spec.data, options.split_seed, options.train_size)
    queue = TrialQueue(dataclasses.replace(spec, about=subject(spec.task, dataset)))
    announce(queue, versions(spec.task.algorithm))
    return queue


def before_fit(patch: pytest.MonkeyPatch, act: Callable[[int], None], algorithm: Any = knn) -> None:
    """Have something happen before an algorithm learns, each time, counted from 0."""
    real, fits = algorithm.fit, itertools.count()

    def fit(*arguments: Any) -> Any:
        act(next(fits))
        return real(*arguments)

    patch.setattr(algorithm, "fit", fit)
