"""Training only where no finished run is the same."""

from __future__ import annotations

import os

from mnist_mlflow.algorithms.base import lacking_library, missing_library
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import load_dataset
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.jobs.train import train
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.finished import FinishedRuns
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.store import connect
from mnist_mlflow.types import Progress


def train_if_needed(task: Task, progress: Progress) -> RunResult:
    """The result of a finished run that is the same, else of a new one.

    A run that `mlflow run` has opened for nothing says which run is the same.
    """
    if lacking := lacking_library([task.algorithm]):
        raise missing_library(lacking)
    client, options = connect(), task.protocol
    dataset = load_dataset(options.data, options.split_seed, options.train_size, progress)
    same = FinishedRuns(client, dataset).same_as(task)
    if same is None:
        return train(task, progress)
    if "MLFLOW_RUN_ID" in os.environ:
        tags = {"role": "reuse", "reuses": same.run_id}
        with open_run(task.algorithm, tags, name=f"{task.name}, not trained again") as run:
            run.describe(f"Nothing was trained: run {same.run_id} has the same parameters, data and code.")
    return as_reused(same)


def as_reused(candidate: Candidate) -> RunResult:
    """The result of a run that was there already."""
    return RunResult(candidate.run_id, candidate.model_id, candidate.final_metrics, candidate.params, is_reused=True)
