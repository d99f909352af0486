"""Runs by what people type: an id or its beginning, a model, or an alias of a registered model."""

from __future__ import annotations

import re

import mlflow
from mlflow.entities import Run, ViewType
from mlflow.exceptions import MlflowException

from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.protocol import REGISTERED_MODEL
from mnist_mlflow.tracking.aliases import ALIASES
from mnist_mlflow.tracking.queries import experiment_ids
from mnist_mlflow.tracking.registry import alias_uri
from mnist_mlflow.tracking.servers import reason
from mnist_mlflow.tracking.store import store_uri

FORMS = (
    "champion, challenger, previous, a run's id or its beginning, runs:/ID, models:/NAME@ALIAS, models:/NAME/VERSION, "
    "models:/m-… or m-…"
)
BEGINNING = re.compile(r"[0-9a-f]{4,32}")
REGISTERED = re.compile(r"models:/([^/@]+)(?:@([^/@]+)|/(\d+))/?")
LOGGED = re.compile(r"(?:models:/)?(m-[0-9a-f]{32})/?")
SHOWN = 5  # runs whose ids begin alike


def model_uri(name: str, registered_model: str) -> str:
    """The URI of a model by what people type: an alias stands for that version of a registered model."""
    return alias_uri(name, registered_model) if name in ALIASES else name


def find_run(client: mlflow.MlflowClient, name: str, registered_model: str = REGISTERED_MODEL) -> Run:
    """The run that a name stands for; of a model, the run that trained it. An alias is one of the registered model.

    Raises UsageError for a name that no run has, or that several have. Raises UserFacingError for a run that is
    deleted.
    """
    name = model_uri(name, registered_model)
    run_id = _source_of(client, name) or _run_id(client, name.removeprefix("runs:/").split("/")[0])
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        raise UserFacingError(
            f"The run {run_id} of {name} cannot be read from {store_uri()}: {reason(error)}"
        ) from error
    if run.info.lifecycle_stage == "deleted":
        restore = f"mlflow runs restore --run-id {run_id}"
        raise UserFacingError(f"The run {run_id} is deleted. Restore it: {restore}")
    return run


def _source_of(client: mlflow.MlflowClient, name: str) -> str:
    """The run that logged the model of this name; empty for a name that is no model's."""
    try:
        if logged := LOGGED.fullmatch(name):
            return str(client.get_logged_model(logged[1]).source_run_id)
        if registered := REGISTERED.fullmatch(name):
            model, alias, version = registered.groups()
            by_alias, by_number = client.get_model_version_by_alias, client.get_model_version
            return str((by_alias(model, alias) if alias else by_number(model, version)).run_id)
    except MlflowException as error:
        raise UsageError(f"There is no model {name} in {store_uri()} ({reason(error)}). Accepted: {FORMS}") from error
    return ""


def _run_id(client: mlflow.MlflowClient, beginning: str) -> str:
    """The id of the only run whose id begins so."""
    if not BEGINNING.fullmatch(beginning):
        raise UsageError(f"{beginning!r} is no name of a run. Accepted: {FORMS}")
    condition, experiments = f"attributes.run_id LIKE '{beginning}%'", experiment_ids(client, "")
    runs = client.search_runs(experiments, condition, ViewType.ALL, max_results=SHOWN + 1)
    if not runs:
        raise UsageError(f"There is no run {beginning} in {store_uri()}. Accepted: {FORMS}")
    if len(runs) > 1:
        listed = "\n  ".join(f"{run.info.run_id} {run.info.run_name}" for run in runs[:SHOWN])
        more = "\n  and more" if len(runs) > SHOWN else ""
        raise UsageError(f"Several runs have ids that begin with {beginning}; type more of it:\n  {listed}{more}")
    return str(runs[0].info.run_id)
