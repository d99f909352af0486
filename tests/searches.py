"""Searches that take no more than seconds, and what they leave in a store."""

from typing import Any, TypeAlias

import mlflow

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.protocol import DataOptions, SearchOptions
from mnist_mlflow.search.storage import Plan, open_study
from mnist_mlflow.tracking.store import studies_uri

Client: TypeAlias = mlflow.MlflowClient
FIXED = {"features": "deskewed"}


def task(trials: int = 5, algorithm: str = "knn", **search: Any) -> Task:
    return Task(algorithm, FIXED, DataOptions("digits", train_size=200, trials=trials), SearchOptions(**search))


def trials_of(client: Client, run_id: str) -> dict[str, mlflow.entities.Run]:
    found = client.search_runs(["0"], f"tags.mlflow.parentRunId = '{run_id}'", order_by=["attributes.start_time"])
    return {run.info.run_name: run for run in found}


def study_of(name: str) -> Any:
    return open_study(Plan(studies_uri(), name, "log_loss", 0, {}))
