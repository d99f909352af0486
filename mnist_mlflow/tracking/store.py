"""The tracking store: its address, a connection to it, and its creation by one process alone."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shlex
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import mlflow
from filelock import FileLock
from mlflow.environment_variables import MLFLOW_ALLOW_FILE_STORE
from sqlalchemy.engine import URL

from mnist_mlflow.data import databases
from mnist_mlflow.data.folders import data_folder
from mnist_mlflow.errors import UserFacingError, one_line, without_passwords
from mnist_mlflow.processes import temporary_folder
from mnist_mlflow.tracking import servers
from mnist_mlflow.tracking.relocation import find_moves, missing_artifacts, missing_folders

Client: TypeAlias = mlflow.MlflowClient
HOSTED = ("databricks", "databricks-uc", "uc")  # addresses that are words
ADVICE = "Check MLFLOW_TRACKING_URI, or unset it to use the SQLite file of the project."


def project_root() -> Path:
    """The folder of MLproject, or, where the package was installed without it, the user's folder for data."""
    folder = Path(__file__).resolve().parents[2]
    return folder if (folder / "MLproject").is_file() else data_folder()


def store_address() -> str:
    """The address of the store: the one that is connected, or named by MLFLOW_TRACKING_URI, else the project's file."""
    if mlflow.is_tracking_uri_set():
        return str(mlflow.get_tracking_uri())
    return databases.sqlite_uri(project_root() / "mlflow.db")


def store_uri() -> str:
    """The address of the store for people to read: without its password."""
    return without_passwords(store_address())


def store_file() -> Path | None:
    """The file of the store, absolute; None where a server keeps it."""
    return databases.file_of(store_address())


def studies_uri() -> str:
    """The address of the studies: OPTUNA_STORAGE, else a SQLite file beside the store that is connected.

    It is a file of its own because Optuna's tables clash with MLflow's.
    """
    if storage := os.environ.get("OPTUNA_STORAGE"):
        return storage
    path = store_file()
    return databases.sqlite_uri((path.parent if path else project_root()) / "optuna.db")


@contextlib.contextmanager
def registry_lock(registered_model: str) -> Iterator[None]:
    """Let one process of this machine at a time change a registered model of the store that is connected."""
    uri = store_address()
    path = databases.file_of(uri) or f"{temporary_folder()}-{_short_digest(uri)}"
    with FileLock(f"{path}.registry-{_short_digest(registered_model)}.lock"):
        yield


def _short_digest(text: str) -> str:
    """A name for a file, whatever the letters and the length of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def connect() -> mlflow.MlflowClient:
    """A client of the store that MLFLOW_TRACKING_URI names, else of the SQLite file in the project's root.

    Raises UserFacingError at once, not after minutes of retries, when the store does not answer. It does so too where
    the store's folder was moved, so that its artifacts are not where the store says.
    """
    client = open_store(store_address())
    if path := store_file():
        for move in find_moves(path):
            raise UserFacingError(f"The store was moved: {move}. Type: python -m mnist_mlflow doctor --fix 1")
        for folder in missing_folders(path):
            raise UserFacingError(missing_artifacts(folder))
    return client


def open_store(uri: str) -> mlflow.MlflowClient:
    """A client of a store, wherever its artifacts are; raises UserFacingError when the store cannot be used."""
    # MLflow logs the traceback of each error of a database that it raises; ours are lines, or lie in failure.txt.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    try:
        if servers.is_server(uri):
            servers.check_server(uri)
            mlflow.set_tracking_uri(uri)
            return mlflow.MlflowClient()
        if url := databases.read_address(uri):
            if path := databases.sqlite_file(url):
                _check_folder(uri, path)
                return _open_sqlite(databases.with_file(uri, path), path)
            if url.get_backend_name() != "sqlite":
                return _open_database(uri, url)
        else:
            _check_kind(uri)
        return _open(uri)
    except UserFacingError:
        raise
    except Exception as error:
        raise UserFacingError(f"The tracking store {uri} cannot be used: {one_line(error)}. {ADVICE}") from error


def _open(uri: str) -> mlflow.MlflowClient:
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    client.search_experiments(max_results=1)
    return client


def _open_database(uri: str, url: URL) -> mlflow.MlflowClient:
    """Open a store on a database server that answers; from then on it may restart."""
    databases.check_server(url, "The database")
    client = _open(uri)
    for store in (client._tracking_client.store, client._get_registry_client().store):
        if engine := getattr(store, "engine", None):  # a registry of its own may be on a tracking server
            databases.wait_for_restarts(engine)
    return client


def _open_sqlite(uri: str, path: Path) -> mlflow.MlflowClient:
    """Open one process at a time: several that create a store at once break each other's migrations."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if path.exists():
            _check_database(path)
        # New experiments keep their artifacts in `mlruns` of the folder where the store was opened, for good.
        with contextlib.chdir(path.parent):
            return _open(uri)


def _check_database(path: Path) -> None:
    """Raise at once what MLflow raises after minutes of retries: no access, or no database."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA schema_version")


def _check_folder(uri: str, path: Path) -> None:
    """Raise, before there is a second store, where `mlflow run` was typed in another folder than it runs in."""
    run_id = os.environ.get("MLFLOW_RUN_ID")
    if run_id and databases.is_relative(uri) and not databases.has_run(path, run_id):
        raise UserFacingError(
            f"The address {uri} means another file here, in {Path.cwd()}, than where `mlflow run` was typed: it is "
            f'relative. Type there: export MLFLOW_TRACKING_URI="{databases.to_type(uri)}"'
        )


def _check_kind(uri: str) -> None:
    """Raise for MLflow's store of plain files, which MLflow itself has given up."""
    is_file_store = uri.startswith("file:") or ("://" not in uri and uri not in HOSTED)
    if is_file_store and not MLFLOW_ALLOW_FILE_STORE.get():
        folder = uri.removeprefix("file://")
        raise UserFacingError(
            f"The tracking store {uri} cannot be used: MLflow opens no folders of files any more. Unset "
            f"MLFLOW_TRACKING_URI to use the SQLite file of the project, or take the runs along: "
            f"mlflow migrate-filestore --source {shlex.quote(folder)} --target sqlite:///mlflow.db"
        )
