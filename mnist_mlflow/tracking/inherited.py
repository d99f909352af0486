"""Runs that `mlflow run` or `launch` opened for this command, named by MLFLOW_RUN_ID."""

from __future__ import annotations

import mlflow
from mlflow.exceptions import MlflowException

from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.processes import Owner, read_owner


def check_inherited(client: mlflow.MlflowClient, run_id: str) -> Owner | None:
    """The process that launched this one, if any; raises UserFacingError for a run that was opened for another.

    `mlflow run` and `launch` open runs that have no role yet, and `launch` makes itself their owner.
    """
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        reason = one_line(error)
    else:
        if run.info.status == "RUNNING" and "role" not in run.data.tags:
            return read_owner(run.data.tags.get("owner"))
        reason = f"it is {run.info.status}, and belongs to an earlier command"
    raise UserFacingError(
        f"MLFLOW_RUN_ID names a run that cannot be taken over, {run_id}: {reason}. Type: unset MLFLOW_RUN_ID"
    )
