"""Experiments: where runs go; those that are deleted or not there, told with the way out."""

from __future__ import annotations

import re
import shlex

from mlflow import MlflowClient
from mlflow.entities import Experiment, ViewType
from mlflow.environment_variables import MLFLOW_EXPERIMENT_ID, MLFLOW_EXPERIMENT_NAME, MLFLOW_RUN_ID
from mlflow.exceptions import MlflowException

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.tracking.accounts import account
from mnist_mlflow.tracking.servers import REFUSED
from mnist_mlflow.tracking.store import store_uri

DELETED = re.compile(r"experiment (\S+) must be in the 'active' state")  # MLflow's words
OTHER = "name another, which is created if it is not there: export MLFLOW_EXPERIMENT_NAME=NAME"


def is_named() -> bool:
    """True where MLflow's own variables, as `mlflow run` sets them, say in which experiment this command's run is."""
    return any(variable.get() for variable in (MLFLOW_RUN_ID, MLFLOW_EXPERIMENT_ID, MLFLOW_EXPERIMENT_NAME))


def elsewhere(here: str, name: str) -> str:
    """The words for a run that is not in the experiment that was named, because MLflow's variables name another."""
    return (
        f"This run is in the experiment {here}, and not in {name}: that is what MLflow was told. "
        f"To have it there: export MLFLOW_EXPERIMENT_NAME={shlex.quote(name)}"
    )


def find_or_create(client: MlflowClient, name: str) -> Experiment:
    """The experiment of that name, which is made if it is not there."""
    if experiment := client.get_experiment_by_name(name):
        return experiment
    try:
        client.create_experiment(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":  # else somebody was faster
            raise
    return client.get_experiment_by_name(name)


def explain(client: MlflowClient, error: MlflowException, named: str = "") -> UserFacingError | None:
    """The experiment, `named` or not, that keeps a run from starting; None if the error has another cause."""
    if deleted := DELETED.search(str(error)):
        name = client.get_experiment(deleted[1]).name
        return UserFacingError(f"The experiment {name!r} is deleted. {how_to_restore(deleted[1])}, or {OTHER}")
    number = MLFLOW_EXPERIMENT_ID.get()
    if error.error_code == REFUSED:
        place = f"the experiment {named or MLFLOW_EXPERIMENT_NAME.get() or number or 'Default'}"
        return UserFacingError(
            f"The account {account()} may not write into {place} of {store_uri()}. Name one of your own, which is "
            f"created if it is not there: export MLFLOW_EXPERIMENT_NAME={shlex.quote(account())}"
        )
    if number and "does not exist" in str(error):
        numbers = ", ".join(f"{one.experiment_id} ({one.name})" for one in client.search_experiments())
        return UserFacingError(
            f"There is no experiment with MLFLOW_EXPERIMENT_ID={number}; accepted: {numbers}. "
            f"Unset MLFLOW_EXPERIMENT_ID, or {OTHER}"
        )
    return None


def find_deleted(client: MlflowClient, name: str) -> str | None:
    """The number of a deleted experiment of that name; None if there is none."""
    experiments = client.search_experiments(view_type=ViewType.DELETED_ONLY)
    return next((str(one.experiment_id) for one in experiments if one.name == name), None)


def how_to_restore(number: str) -> str:
    """The command that brings back a deleted experiment."""
    store = shlex.quote(store_uri())
    return f"Restore it: MLFLOW_TRACKING_URI={store} mlflow experiments restore --experiment-id {number}"
