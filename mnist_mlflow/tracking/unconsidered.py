"""Unconsidered runs: those newer than the champion that no selection has looked at, each with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import mlflow
from mlflow.entities import Run

from mnist_mlflow.tracking.candidates import Candidate, Query
from mnist_mlflow.tracking.queries import newer_runs

MOST = 100  # of those that ended, and of those that have not


@dataclass(frozen=True)
class UnconsideredRun:
    """A run that was not considered, and why."""

    run_id: str
    algorithm: str
    reason: str


def find_unconsidered(
    client: mlflow.MlflowClient, champion: Candidate, query: Query, reasons: Mapping[str, str], floor: float
) -> Iterator[UnconsideredRun]:
    """The newest runs of a query's experiments that ended after the champion's, or not at all, and were not considered.

    `reasons` has the candidates by run: why each was excluded, or nothing if it took part. Other runs below the
    `floor` of accuracy are left out: they are clearly worse.
    """
    for run in newer_runs(client, query.experiment, champion.end_time, MOST):
        run_id = run.info.run_id
        reason = reasons[run_id] if run_id in reasons else _reason(run, query, floor)
        if reason and run_id != champion.run_id:
            yield UnconsideredRun(run_id, run.data.tags.get("algorithm", "?"), reason)


def _reason(run: Run, query: Query, floor: float) -> str:
    """The reason why a query does not find a run; empty if the run is clearly worse."""
    tags, status, accuracy = run.data.tags, run.info.status, run.data.metrics.get("val_accuracy")
    if status == "RUNNING":
        return "it is still running"
    if status != "FINISHED":
        return f"it {status}: {tags.get('failure', 'no reason given')}"
    if (tags.get("dataset_digest"), tags.get("split_digest")) != (query.dataset_digest, query.split_digest):
        seed = run.data.params.get("split_seed", "unknown")
        return f"it learned from other images: {tags.get('dataset', 'unknown')}, split_seed={seed}"
    if accuracy is None:
        return "it has no val_accuracy"
    if accuracy <= floor:
        return ""
    return "the filters leave it out" if query.is_narrow else "its model is gone, or was never ready"
