"""Sending parcels: an upload that keeps what the store does not take, and a second one that completes the first."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import mlflow
from filelock import FileLock
from mlflow.entities import LoggedModelStatus
from mlflow.exceptions import MlflowException

from mnist_mlflow.errors import UnsentError, UserFacingError, one_line
from mnist_mlflow.processes import this_process
from mnist_mlflow.tracking.lifecycle import reopen_run
from mnist_mlflow.tracking.models import complete_model, log_model
from mnist_mlflow.tracking.parcels import ARTIFACTS, CODE, MODEL, Parcel, discard
from mnist_mlflow.tracking.results import as_metrics, as_points
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.tracking.servers import explain
from mnist_mlflow.tracking.store import store_uri

NOT_THERE = ("RESOURCE_DOES_NOT_EXIST", "PERMISSION_DENIED")  # a server may refuse to tell what is not there
HOW_TO_SEND = "python -m mnist_mlflow recover"


class NotNowError(UserFacingError):
    """A parcel has to wait: it is being sent, or the store that is connected does not know its run."""


def send(run: Run, parcel: Parcel, again: bool = False) -> str:
    """Upload a parcel, end its run, the active one, and delete the folder; returns the id of the model.

    Raises UnsentError, and keeps the folder, where the store does not take it. What an earlier try has uploaded is
    not uploaded a second time.
    """
    try:
        model_id = _upload(run, parcel, again)
    except BaseException as error:
        replace(parcel, owner=None).write()
        if not isinstance(error, Exception):
            raise
        # Each kind of artifact store has errors of its own.
        reason = explain(store_uri(), error) or f"The run could not go on: {one_line(error)}."
        raise UnsentError(
            f"{reason} Nothing is lost: the result is kept in {parcel.folder}. Once that is mended, type: {HOW_TO_SEND}"
        ) from error
    discard(parcel.folder)
    return model_id


def _upload(run: Run, parcel: Parcel, again: bool) -> str:
    contents, folder = parcel.contents, parcel.folder
    earlier = run.client.get_run(run.id) if again else None
    model_id, is_ready = _logged_model(run, earlier.info.experiment_id) if earlier else ("", False)
    with run.tracking():
        run.client.log_artifacts(run.id, str(folder / ARTIFACTS))
    run.log_params(contents.params)
    if not model_id:
        model_id = log_model(run, folder / MODEL, folder / CODE, contents)
    elif not is_ready:
        complete_model(run, model_id, folder / MODEL, folder / CODE, contents)
    metrics = contents.metrics
    if not earlier or "tracking_seconds" not in earlier.data.metrics:
        metrics = metrics | {"tracking_seconds": run.tracking_seconds}
    finals = as_metrics(run, metrics, model_id, contents.data, contents.time_ms)
    run.log(finals + as_points(run, contents.curves, contents.moments), tags=contents.tags)
    if earlier and contents.status == "FINISHED" and "failure" in earlier.data.tags:
        run.client.delete_tag(run.id, "failure")
    mlflow.end_run(contents.status)
    return model_id


def send_again(client: mlflow.MlflowClient, folder: Path) -> str:
    """Upload the parcel in a folder; returns the id of its run, or nothing if another process has uploaded it.

    Raises NotNowError for one that is being sent or belongs to another store, UserFacingError if it fails once more.
    """
    with FileLock(folder.parent / ".lock"):
        if not folder.exists():
            return ""
        parcel = Parcel.read(folder)
        if parcel.is_being_sent:
            raise NotNowError(f"{folder} is being uploaded by another process.")
        status = _status(client, parcel)
        if status == parcel.contents.status == "FINISHED":  # it had been killed before it could delete the folder
            discard(folder)
        else:
            with reopen_run(client, parcel.contents.run_id) as run:
                parcel = replace(parcel, owner=this_process())
                parcel.write()
                send(run, parcel, again=True)
        return parcel.contents.run_id


def _status(client: mlflow.MlflowClient, parcel: Parcel) -> str:
    """The status of a parcel's run; raises NotNowError if the store that is connected does not have it."""
    run_id = parcel.contents.run_id
    try:
        info = client.get_run(run_id).info
    except MlflowException as error:
        if error.error_code not in NOT_THERE:
            raise UserFacingError(f"{parcel.folder} cannot be uploaded: {one_line(error)}") from error
        remedy = f"export MLFLOW_TRACKING_URI={shlex.quote(parcel.store)}"
        raise NotNowError(f"{parcel.folder} waits: its run is not in {store_uri()}. Type: {remedy}") from error
    if info.lifecycle_stage == "deleted":
        remedy = f"mlflow runs restore --run-id {shlex.quote(run_id)}"
        raise NotNowError(f"{parcel.folder} waits: its run is deleted. Type: {remedy}")
    status: str = info.status
    return status


def _logged_model(run: Run, experiment: str) -> tuple[str, bool]:
    """The model that an earlier try has logged (a complete one first, empty for none), and True if it is complete."""
    models = run.client.search_logged_models([experiment], f"source_run_id = '{run.id}'")
    ids = {model.status == LoggedModelStatus.READY: model.model_id for model in models}
    return ids.get(True, ids.get(False, "")), True in ids
