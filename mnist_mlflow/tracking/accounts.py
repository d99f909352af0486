"""The account that this process works under, for others to read."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import mlflow
from mlflow.utils.credentials import read_mlflow_creds

from mnist_mlflow.processes import user_name


def account() -> str:
    """The account at the server, else the user that the active run names, else this user.

    A run that `mlflow run` opened names the user of the machine, and no account.
    """
    address = urlsplit(mlflow.get_tracking_uri())
    if address.scheme.startswith("http") and address.username:  # it goes before the variables
        return unquote(address.username)
    if username := read_mlflow_creds().username:
        return str(username)
    run = mlflow.active_run()
    return str(run.data.tags.get("mlflow.user", user_name())) if run else user_name()
