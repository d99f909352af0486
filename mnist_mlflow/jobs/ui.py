"""Open the MLflow UI on the store, in few processes; first say which addresses lead to the runs.

A store on a server has its UI there: then the addresses are all. Ctrl-C ends it.

    python -m mnist_mlflow ui
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from mnist_mlflow.jobs.serving.server import listen
from mnist_mlflow.parameters import integer, parameters
from mnist_mlflow.processes import variables_now
from mnist_mlflow.tracking import views
from mnist_mlflow.tracking.servers import is_server
from mnist_mlflow.tracking.store import connect, store_address
from mnist_mlflow.types import Progress

# MLflow's jobs are for GenAI: without them there are three processes, not ten.
FEW_PROCESSES = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_WORKERS": "1"}


@parameters
class Params:
    """Options of `ui`."""

    port: int = integer(views.UI_PORT, 1, 65535, "the port at which it answers on this machine")


@dataclass(frozen=True)
class Ui:
    """The MLflow UI: the addresses of the runs by the names of their experiments, and what starts it.

    `variables` are empty where a server shows it already.
    """

    addresses: Mapping[str, str]
    variables: Mapping[str, str]

    def start(self) -> None:
        """Become the server of the UI, unless another shows it."""
        if self.variables:
            words, variables = [sys.executable, "-m", "mlflow", "ui"], {**variables_now(), **self.variables}
            if os.name == "nt":  # where `execve` gives the terminal back and leaves the server behind
                sys.exit(subprocess.call(words, env=variables))
            os.execve(sys.executable, words, variables)


def run(params: Params, progress: Progress) -> Ui:
    """The UI of the store; raises UserFacingError where there is no store, or where something else listens."""
    client, store = connect(), store_address()
    if is_server(store):
        return Ui(views.addresses(client), {})
    listen(views.UI_HOST, params.port, "ui").close()
    views.describe_older(client)
    place = {"MLFLOW_HOST": views.UI_HOST, "MLFLOW_PORT": str(params.port), "MLFLOW_BACKEND_STORE_URI": store}
    return Ui(views.addresses(client, params.port), {**FEW_PROCESSES, **place})
