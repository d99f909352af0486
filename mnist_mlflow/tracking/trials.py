"""Trials of a search, small child runs one level deep; and searches that were interrupted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import mlflow
from mlflow.entities import Metric, Param
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException

from mnist_mlflow.tracking.queries import search_runs
from mnist_mlflow.tracking.runs import Run

Points = list[tuple[int, float]]

PREFIX = "trial-"
TRIAL_NAME = re.compile(rf"{PREFIX}(\d+)")


@dataclass(frozen=True)
class Trial:
    """A trial that has ended, as the store is to know it; times are since the epoch."""

    number: int
    start_ms: int
    end_ms: int
    state: str
    params: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Points] = field(default_factory=dict)
    failure: str = ""

    @property
    def name(self) -> str:
        """The name of its run."""
        return f"{PREFIX}{self.number:03d}"


class Trials:
    """The child runs of a search: trials that it `lacks` are to be written, half-written ones to be completed."""

    def __init__(self, parent: Run, tags: Mapping[str, str]) -> None:
        self.parent, self.client = parent, parent.client
        self.experiment = self.client.get_run(parent.id).info.experiment_id
        self.tags = {**tags, "role": "trial", "mlflow.parentRunId": parent.id}
        self.run_ids: dict[str, str] = {}  # by name
        self.written: set[int] = set()  # numbers
        for child in child_runs(self.client, parent.id):
            self.run_ids[child.info.run_name] = child.info.run_id
            number = TRIAL_NAME.fullmatch(child.info.run_name or "")  # people rename runs
            if child.info.status != "RUNNING" and number:
                self.written.add(int(number[1]))

    def lacks(self, number: int) -> bool:
        """True for a trial that is not written to its end."""
        return number not in self.written

    def write(self, trial: Trial) -> None:
        """Write a trial, or what is missing of it."""
        with self.parent.tracking():
            run_id = self._run_of(trial)
            curves = {name: [(0, value)] for name, value in trial.metrics.items()} | dict(trial.curves)
            self.client.log_batch(
                run_id,
                params=[Param(key, str(value)) for key, value in trial.params.items()],
                metrics=[
                    Metric(key, value, trial.end_ms, step) for key, points in curves.items() for step, value in points
                ],
            )
            self.client.set_terminated(run_id, "FAILED" if trial.failure else "FINISHED", trial.end_ms)
        self.written.add(trial.number)

    def _run_of(self, trial: Trial) -> str:
        if trial.name not in self.run_ids:
            tags = {"trial_state": trial.state, **({"failure": trial.failure} if trial.failure else {})}
            created = self.client.create_run(self.experiment, trial.start_ms, self.tags | tags, trial.name)
            self.run_ids[trial.name] = created.info.run_id
        return self.run_ids[trial.name]


def child_runs(client: mlflow.MlflowClient, parent: str) -> list[MlflowRun]:
    """The child runs of a run."""
    return list(search_runs(client, f"tags.mlflow.parentRunId = '{parent}'"))


def run_exists(client: mlflow.MlflowClient, run_id: str) -> bool:
    """True for a run that is in this store and not deleted."""
    try:
        return bool(client.get_run(run_id).info.lifecycle_stage == "active")
    except MlflowException:
        return False


def running_searches(client: mlflow.MlflowClient, study: str) -> dict[str, str]:
    """The runs that search in a study and have not ended, each with its tag `owner`."""
    runs = search_runs(client, f"attributes.status = 'RUNNING' and tags.study = '{study}'")
    return {run.info.run_id: run.data.tags["owner"] for run in runs if "owner" in run.data.tags}
