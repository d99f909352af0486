"""The life of a run: opened, or taken over from `mlflow run`; and always closed, with the reason where it fails."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
import traceback
from collections.abc import Iterator, Mapping

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.utils.autologging_utils import disable_autologging

from mnist_mlflow.errors import UnsentError, UsageError, UserFacingError, one_line, without_passwords
from mnist_mlflow.interrupts import stop_reason
from mnist_mlflow.processes import this_process
from mnist_mlflow.protocol import EXPERIMENT
from mnist_mlflow.tracking import environments, experiments, provenance, views
from mnist_mlflow.tracking.inherited import check_inherited
from mnist_mlflow.tracking.runs import Run, close_abandoned_beside, close_for
from mnist_mlflow.tracking.servers import explain, few_retries
from mnist_mlflow.tracking.store import connect, project_root, store_uri

FROM_OUTSIDE = (MlflowException, OSError)  # from the store or the disk: no mistakes in the code
_logger = logging.getLogger(__name__)


@contextlib.contextmanager
def open_run(
    entry_point: str,
    tags: Mapping[str, object],
    experiment: str = "",
    client: mlflow.MlflowClient | None = None,
    *,
    name: str = "",
) -> Iterator[Run]:
    """The run that MLFLOW_RUN_ID names, as `mlflow run` sets it, else a new one; named after its entry point at least.

    A new run goes into the `experiment` of that name unless MLflow's variables name another, which is then told. So do
    the runs that it starts. Where neither names one it goes into `mnist-digits`. The `client` is of the store that is
    connected, if one is.

    It ends FINISHED; or FAILED (KILLED when interrupted), with the reason in the tag `failure` and the traceback
    in the artifact `failure.txt`. Raises UsageError where this program has a run open already.
    """
    started = time.perf_counter()
    client = client or connect()
    _check_no_run_is_active()
    try:
        changes = provenance.uncommitted_changes(project_root())
        named = {"mlflow.runName": name or entry_point}
        run = _start(client, entry_point, {**tags, **named, **_origin_tags(changes)}, experiment)
        _log_origin(run, changes)
        run.tracking_seconds = time.perf_counter() - started
        with disable_autologging():  # of a program that calls us: each fit would log params and a model of its own
            yield run
        mlflow.end_run("FINISHED")
    except BaseException as error:
        _close_after(client, error)
        _raise_from_outside(error)
        raise


def _check_no_run_is_active() -> None:
    """Raise UsageError in a program that has a run open: what is its own and what is ours would mix."""
    if active := mlflow.active_run():
        raise UsageError(f"Your run {active.info.run_id} is active, and this opens one of its own: mlflow.end_run()")


def _raise_from_outside(error: BaseException) -> None:
    """Raise UserFacingError in place of an error of the store or the disk."""
    if isinstance(error, FROM_OUTSIDE):
        text = f"The run could not go on: {one_line(error)}"
        raise explain(store_uri(), error) or UserFacingError(text) from error


@contextlib.contextmanager
def reopen_run(client: mlflow.MlflowClient, run_id: str) -> Iterator[Run]:
    """A run that failed, to be completed and ended; it fails once more if that is not done."""
    run = Run(client, run_id)
    try:
        run.logged |= mlflow.start_run(run_id, log_system_metrics=False).data.params.keys()
        run.set_tags({"owner": json.dumps(this_process())})
        yield run
    except BaseException as error:
        with few_retries():
            _record_failure(run, error, stop_reason(error), with_traceback=False)
        _raise_from_outside(error)
        raise


def _start(client: mlflow.MlflowClient, entry_point: str, tags: Mapping[str, object], experiment: str) -> Run:
    ours = {key: str(value) for key, value in tags.items()} | {"owner": json.dumps(this_process())}
    if inherited := os.environ.get("MLFLOW_RUN_ID"):
        check_inherited(client, inherited)
    else:
        ours |= _source_tags(entry_point)
    experiment = experiment or ("" if experiments.is_named() else EXPERIMENT)
    try:
        place = experiments.find_or_create(client, experiment) if experiment else None
        number = place.experiment_id if place else ""
        experiment_id = None if experiments.is_named() else number
        started = mlflow.start_run(experiment_id=experiment_id, tags=ours, log_system_metrics=False)
    except MlflowException as error:
        text = f"No run can be started: {one_line(error)}"
        raise experiments.explain(client, error, experiment) or UserFacingError(text) from error
    info = started.info
    here = place if place and number == info.experiment_id else client.get_experiment(info.experiment_id)
    if place and here is not place:
        _logger.warning("%s", experiments.elsewhere(here.name, experiment))
    views.describe(client, here)
    run = Run(client, info.run_id, number, started.data.params)
    close_abandoned_beside(run, info.experiment_id, str(tags.get("study", "")))
    return run


def _source_tags(entry_point: str) -> dict[str, str]:
    """The tags that `mlflow run` gives to the run of an entry point."""
    root = project_root()
    tags = {
        "mlflow.source.type": "PROJECT",
        "mlflow.source.name": str(root),
        "mlflow.project.entryPoint": entry_point,
    }
    if commit := provenance.git_commit(root):
        return tags | {"mlflow.source.git.commit": commit}
    provenance.ignore_other_repositories()
    return tags


def _origin_tags(changes: bytes | None) -> dict[str, object]:
    dirty = "unknown" if changes is None else bool(changes)
    return {"git_dirty": dirty, "code_digest": provenance.code_digest()}


def _log_origin(run: Run, changes: bytes | None) -> None:
    if refusal := provenance.git_refusal(project_root()):
        _logger.warning("%s. %s", *refusal)
    with run.files() as folder:
        environments.write_environment(folder / "environment")
        if changes:
            (folder / "git").mkdir()
            (folder / "git" / "uncommitted.diff").write_bytes(changes)


def _close_after(client: mlflow.MlflowClient, error: BaseException) -> None:
    active = mlflow.active_run()
    if active is None:
        return
    run, stopped = Run(client, active.info.run_id), stop_reason(error)
    # A store that is gone has been waited for already, and one who stops a run does not wait.
    patience = few_retries() if stopped or isinstance(error, FROM_OUTSIDE) else contextlib.nullcontext()
    with patience:
        _record_failure(run, error, stopped)


def _record_failure(run: Run, error: BaseException, stopped: str, with_traceback: bool = True) -> None:
    """Write down why a run ends; where the store is what failed, the error under way says so already.

    One that another process has closed stays as it is.
    """
    with contextlib.suppress(Exception):
        if (status := run.status) != "RUNNING":
            mlflow.end_run(status)
            return
        run.set_tags({"failure": stopped or one_line(explain(store_uri(), error) or error)})
        if with_traceback and not isinstance(error, UnsentError):  # which says all, and is over once the result is sent
            with run.files() as folder:
                lines = "".join(traceback.format_exception(error))
                (folder / "failure.txt").write_text(without_passwords(lines), encoding="utf-8")
    with contextlib.suppress(Exception):
        mlflow.end_run("KILLED" if stopped else "FAILED")


def fail_inherited_run(reason: str) -> None:
    """Close the run, named by MLFLOW_RUN_ID, that `mlflow run` opened for a command that was then refused."""
    run_id = os.environ["MLFLOW_RUN_ID"]
    with contextlib.suppress(Exception):
        client = connect()
        check_inherited(client, run_id)
        close_for(Run(client, run_id), reason)
