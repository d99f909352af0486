"""One run of this project, filled; and the runs that a process left open when it was killed."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from mnist_mlflow.errors import UserFacingError, without_passwords
from mnist_mlflow.processes import is_gone, read_owner
from mnist_mlflow.tracking import artifacts
from mnist_mlflow.tracking.queries import search_runs
from mnist_mlflow.tracking.views import flowing

ABANDONED = "attributes.status = 'RUNNING' and tags.owner LIKE '%'"  # if the owner is gone
METRICS_A_REQUEST = 800  # MLflow takes a thousand, with params and tags
KILLED = "its process was killed"  # why an abandoned run is closed


class Run:
    """A run, and the seconds that tracking has taken from it (`tracking_seconds`).

    The runs that it starts go into `experiment`, a number; into its own where that is empty.
    """

    def __init__(
        self, client: mlflow.MlflowClient, run_id: str, experiment: str = "", logged: Iterable[str] = ()
    ) -> None:
        self.client, self.id, self.experiment = client, run_id, experiment
        self.logged = set(logged)  # the names of its params so far
        self.tracking_seconds = 0.0

    @contextlib.contextmanager
    def tracking(self) -> Iterator[None]:
        """Count what happens inside as tracking."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.tracking_seconds += time.perf_counter() - started

    def log(
        self,
        metrics: Sequence[Metric] = (),
        params: Mapping[str, object] = MappingProxyType({}),
        tags: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        """Log all of it, in one request for each 800 metrics.

        Params that are logged already, as by `mlflow run`, which logs them as they were typed, stay. Tags are
        without the passwords of addresses.
        """
        with self.tracking():
            new = [Param(key, str(value)) for key, value in params.items() if key not in self.logged]
            run_tags = [RunTag(key, without_passwords(str(value))) for key, value in tags.items()]
            first, rest = metrics[:METRICS_A_REQUEST], metrics[METRICS_A_REQUEST:]
            if first or new or run_tags:
                self.client.log_batch(self.id, first, new, run_tags)
            for start in range(0, len(rest), METRICS_A_REQUEST):
                self.client.log_batch(self.id, rest[start : start + METRICS_A_REQUEST])
            self.logged |= params.keys()

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Set tags, in one request."""
        self.log(tags=tags)

    def describe(self, text: str, tags: Mapping[str, object] = MappingProxyType({})) -> None:
        """Set the description that the MLflow UI shows on the run's page, in Markdown, and tags."""
        self.set_tags({**tags, "mlflow.note.content": flowing(text)})

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log parameters, in one request."""
        self.log(params=params)

    def log_metrics(self, metrics: Sequence[Metric]) -> None:
        """Log metrics, in one request for each 800 of them."""
        self.log(metrics)

    @property
    def place(self) -> str:
        """The number of the experiment that the runs go into which it starts."""
        return self.experiment or str(self.client.get_run(self.id).info.experiment_id)

    @property
    def status(self) -> str:
        """The status, as the store knows it now."""
        with self.tracking():
            return str(self.client.get_run(self.id).info.status)

    def check_open(self) -> None:
        """Raise UserFacingError where another process has closed the run, which took this one for dead."""
        if (status := self.status) != "RUNNING":
            raise UserFacingError(f"The run is {status} already, by another process: its result is not recorded.")

    @contextlib.contextmanager
    def files(self) -> Iterator[Path]:
        """A folder; what is written there becomes artifacts of the run, in one go."""
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
            with self.tracking(), artifacts.explained(self.client, self.id):
                self.client.log_artifacts(self.id, folder)


def close_for(run: Run, reason: str) -> None:
    """Close the run of a process that cannot do so any more."""
    run.set_tags({"failure": reason})
    run.client.set_terminated(run.id, "FAILED")


def close_abandoned(run: Run, condition: str) -> None:
    """Close the runs that meet a condition, have not ended, and whose process, their tag `owner`, is gone."""
    _close_if_gone(run, search_runs(run.client, f"{ABANDONED} and {condition}"))


def close_abandoned_beside(run: Run, experiment: str, study: str) -> None:
    """Close such runs of an experiment, but for those of a study that is continued: that writes their trials first."""
    with contextlib.suppress(MlflowException):
        beside = run.client.search_runs([experiment], ABANDONED)
        _close_if_gone(run, (other for other in beside if not study or other.data.tags.get("study") != study))


def _close_if_gone(run: Run, others: Iterable[mlflow.entities.Run]) -> None:
    for other in filter(_has_no_process, others):
        if other.info.run_id != run.id:
            with contextlib.suppress(MlflowException):  # it may be somebody else's, to look at alone
                close_for(Run(run.client, other.info.run_id), KILLED)


def abandoned_runs(client: mlflow.MlflowClient) -> Iterator[Run]:
    """The runs that have not ended, and whose process, their tag `owner`, is gone."""
    for run in filter(_has_no_process, search_runs(client, ABANDONED)):
        yield Run(client, run.info.run_id)


def _has_no_process(run: mlflow.entities.Run) -> bool:
    return is_gone(read_owner(run.data.tags.get("owner")))
