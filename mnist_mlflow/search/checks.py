"""The check of the storage of studies for `doctor`."""

from __future__ import annotations

import shlex

from mnist_mlflow.data import databases
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.search.studies import network_refusal, open_storage, read_storage
from mnist_mlflow.types import Finding

OTHER_TABLES = "compatible with the table schema"  # Optuna's words for tables of another version


def check_studies(address: str) -> Finding:
    """The storage of studies opens and has the tables of this Optuna; a file lies on this machine."""
    url = read_storage(address)
    shown = databases.shown(url)
    if path := databases.sqlite_file(url):
        if refusal := network_refusal(path):
            return Finding(*refusal)
        if not path.exists():
            return Finding(f"{path} is not there yet; the first search makes it")
    try:
        open_storage(address).engine.dispose()
    except UserFacingError as error:
        if OTHER_TABLES not in str(error):
            raise
        remedy = f"Type: optuna storage upgrade --storage {shlex.quote(shown)}"
        return Finding(f"the tables of {shown} are of another Optuna", remedy)
    return Finding(shown)
