"""One run of this project: opened, or taken over from `mlflow run`; filled; and always closed."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.processes import is_gone
from mnist_mlflow.tracking import provenance
from mnist_mlflow.tracking.queries import search_runs
from mnist_mlflow.tracking.store import connect, project_root

_logger = logging.getLogger(__name__)

METRICS_A_REQUEST = 1_000  # MLflow takes no more
KILLED = "its process was killed"  # why an abandoned run is closed


class Run:
    """A run, and the seconds that tracking has taken from it (`tracking_seconds`)."""

    def __init__(self, client: mlflow.MlflowClient, run_id: str) -> None:
        self.client, self.id = client, run_id
        self.tracking_seconds = 0.0

    @contextlib.contextmanager
    def tracking(self) -> Iterator[None]:
        """Count what happens inside as tracking."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.tracking_seconds += time.perf_counter() - started

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Set tags, in one request."""
        with self.tracking():
            self.client.log_batch(self.id, tags=[RunTag(key, str(value)) for key, value in tags.items()])

    def describe(self, text: str) -> None:
        """Set the description that the MLflow UI shows on the run's page, in Markdown."""
        self.set_tags({"mlflow.note.content": text})

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log parameters, but for those that `mlflow run` has logged already as they were typed."""
        with self.tracking():
            logged = self.client.get_run(self.id).data.params
            new = [Param(key, str(value)) for key, value in params.items() if key not in logged]
            self.client.log_batch(self.id, params=new)

    def log_metrics(self, metrics: list[Metric]) -> None:
        """Log metrics, in one request for each thousand of them."""
        with self.tracking():
            for start in range(0, len(metrics), METRICS_A_REQUEST):
                self.client.log_batch(self.id, metrics=metrics[start : start + METRICS_A_REQUEST])

    @contextlib.contextmanager
    def files(self) -> Iterator[Path]:
        """A folder; what is written there becomes artifacts of the run, in one go."""
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
            with self.tracking():
                self.client.log_artifacts(self.id, folder)


@contextlib.contextmanager
def open_run(name: str, tags: Mapping[str, object]) -> Iterator[Run]:
    """The run that MLFLOW_RUN_ID names, as `mlflow run` sets it, else a new one, named after its entry point.

    It ends FINISHED; or FAILED (KILLED when interrupted), with the reason in the tag `failure` and the traceback
    in the artifact `failure.txt`.
    """
    started = time.perf_counter()
    client = connect()
    try:
        run = Run(client, _start(name, tags))
        _log_origin(run)
        run.tracking_seconds = time.perf_counter() - started
        yield run
    except BaseException as error:
        _close_after(client, error)
        if isinstance(error, (MlflowException, OSError)):  # the store or the disk, not a mistake in the code
            raise UserFacingError(f"The run could not go on: {one_line(error)}") from error
        raise
    mlflow.end_run("FINISHED")


def _start(name: str, tags: Mapping[str, object]) -> str:
    ours = {key: str(value) for key, value in tags.items()} | {"mlflow.runName": name}
    inherited = bool(os.environ.get("MLFLOW_RUN_ID"))
    if not inherited:
        root = project_root()
        ours |= {
            "mlflow.source.type": "PROJECT",
            "mlflow.source.name": str(root),
            "mlflow.project.entryPoint": name,
        }
        if commit := provenance.git_commit(root):
            ours |= {"mlflow.source.git.commit": commit}
        else:
            provenance.ignore_other_repositories()
    try:
        run_id: str = mlflow.start_run(tags=ours, log_system_metrics=False).info.run_id
    except MlflowException as error:
        what = "MLFLOW_RUN_ID names a run that cannot be taken over" if inherited else "No run can be started"
        raise UserFacingError(f"{what}: {one_line(error)}") from error
    return run_id


def _log_origin(run: Run) -> None:
    if refusal := provenance.git_refusal(project_root()):
        _logger.warning("%s. %s", *refusal)
    changes = provenance.uncommitted_changes(project_root())
    run.set_tags({"git_dirty": "unknown" if changes is None else bool(changes)})
    with run.files() as folder:
        provenance.write_environment(folder / "environment")
        if changes:
            (folder / "git").mkdir()
            (folder / "git" / "uncommitted.diff").write_bytes(changes)


def _close_after(client: mlflow.MlflowClient, error: BaseException) -> None:
    active = mlflow.active_run()
    if active is None:
        return
    run, stopped = Run(client, active.info.run_id), isinstance(error, (KeyboardInterrupt, SystemExit))
    # The store may be what failed: the error that is under way says more than one about closing.
    with contextlib.suppress(Exception):
        run.set_tags({"failure": "interrupted" if stopped else one_line(error)})
        with run.files() as folder:
            (folder / "failure.txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    with contextlib.suppress(Exception):
        mlflow.end_run("KILLED" if stopped else "FAILED")


def fail_inherited_run(reason: str) -> None:
    """Close the run, named by MLFLOW_RUN_ID, that `mlflow run` opened for a command that was then refused."""
    run_id = os.environ["MLFLOW_RUN_ID"]
    with contextlib.suppress(Exception):
        client = connect()
        close_for(Run(client, run_id), reason)


def close_for(run: Run, reason: str) -> None:
    """Close the run of a process that cannot do so any more."""
    run.set_tags({"failure": reason})
    run.client.set_terminated(run.id, "FAILED")


def close_abandoned(run: Run, condition: str) -> None:
    """Close the abandoned runs that meet a condition."""
    for other in abandoned_runs(run.client, condition):
        if other.id != run.id:
            close_for(other, KILLED)


def abandoned_runs(client: mlflow.MlflowClient, condition: str = "") -> Iterator[Run]:
    """The runs that meet a condition, have not ended, and whose process, their tag `owner`, is gone."""
    running = "attributes.status = 'RUNNING'"
    for run in search_runs(client, f"{running} and {condition}" if condition else running):
        owner = run.data.tags.get("owner")
        if owner and is_gone(json.loads(owner)):
            yield Run(client, run.info.run_id)
