"""Runs that `mlflow run` or `launch` opened for this command, named by MLFLOW_RUN_ID."""

from __future__ import annotations

import mlflow
from mlflow.exceptions import MlflowException

from mnist_mlflow.errors import UserFacingError, one_line


def check_inherited(client: mlflow.MlflowClient, run_id: str) -> None:
    """Raise UserFacingError for a run that was opened for another command: such a run is closed, or has a role."""
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        reason = one_line(error)
    else:
        if run.info.status == "RUNNING" and "role" not in run.data.tags:
            return
        reason = f"it is {run.info.status}, and belongs to an earlier command"
    raise UserFacingError(
        f"MLFLOW_RUN_ID names a run that cannot be taken over, {run_id}: {reason}. Type: unset MLFLOW_RUN_ID"
    )
