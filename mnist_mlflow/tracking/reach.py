"""The variables by which a process on another machine reaches the store of this one, with its credentials."""

from __future__ import annotations

import os

from mlflow.utils.credentials import read_mlflow_creds

from mnist_mlflow.errors import UsageError
from mnist_mlflow.tracking.store import store_address, store_file

# Files of this machine, such as certificates, stay: others have theirs, and name them when Ray is started there.
TRAVELLING = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_INSECURE_TLS", "MLFLOW_HTTP_REQUEST_MAX_RETRIES")


def store_variables() -> dict[str, str]:
    """The address of the store, and what it takes to use it.

    Raises UsageError for a store that is a file of this machine.
    """
    if file := store_file():
        raise UsageError(
            f"The runs of a cluster's machines go to a tracking server, and the store is the file {file}. "
            "Type: export MLFLOW_TRACKING_URI=http://HOST:5000"
        )
    credentials = read_mlflow_creds()
    named = {"MLFLOW_TRACKING_USERNAME": credentials.username, "MLFLOW_TRACKING_PASSWORD": credentials.password}
    others = {name: os.environ.get(name) for name in TRAVELLING}
    set_here = {name: value for name, value in {**named, **others}.items() if value}
    return {"MLFLOW_TRACKING_URI": store_address(), **set_here}
