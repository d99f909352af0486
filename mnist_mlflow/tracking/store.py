"""The tracking store: its address, a connection to it, and its creation by one process alone."""

import contextlib
import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import mlflow
import requests
from filelock import FileLock

from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.folders import data_folder, user_name

SQLITE = "sqlite:///"
TIMEOUT = 5  # seconds


def project_root() -> Path:
    """The folder of MLproject, or, where the package was installed without it, the user's folder for data."""
    folder = Path(__file__).resolve().parents[2]
    return folder if (folder / "MLproject").is_file() else data_folder()


def store_uri() -> str:
    """The address of the store: the one that is connected or MLFLOW_TRACKING_URI names, else the project's own file."""
    if mlflow.is_tracking_uri_set():
        return str(mlflow.get_tracking_uri())
    return _sqlite_uri(project_root() / "mlflow.db")


def store_file() -> Path | None:
    """The file of the store, absolute; None for a server."""
    uri = store_uri()
    return Path(unquote(uri.removeprefix(SQLITE))).absolute() if uri.startswith(SQLITE) else None


def studies_uri() -> str:
    """The address of the studies: OPTUNA_STORAGE, else a SQLite file beside the store that is connected.

    It is a file of its own because Optuna's tables clash with MLflow's.
    """
    if storage := os.environ.get("OPTUNA_STORAGE"):
        return storage
    file = store_file()
    return SQLITE + ((file.parent if file else project_root()) / "optuna.db").as_posix()


@contextlib.contextmanager
def registry_lock() -> Iterator[None]:
    """Let one process of this machine at a time change the registry of the store that is connected."""
    uri = store_uri()
    name = f"mnist_mlflow-{user_name()}-{hashlib.sha256(uri.encode()).hexdigest()[:16]}"
    path = unquote(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else Path(tempfile.gettempdir()) / name
    with FileLock(f"{path}.registry.lock"):
        yield


def connect() -> mlflow.MlflowClient:
    """A client of the store that MLFLOW_TRACKING_URI names, else of the SQLite file in the project's root.

    Raises UserFacingError at once, not after minutes of retries, when the store does not answer.
    """
    uri = store_uri()
    try:
        if uri.startswith(("http://", "https://")):
            requests.get(uri.rstrip("/") + "/health", timeout=TIMEOUT)
        if uri.startswith(SQLITE):
            return _connect_to_sqlite(Path(unquote(uri.removeprefix(SQLITE))).absolute())
        return _connect(uri)
    except Exception as error:
        advice = "Check MLFLOW_TRACKING_URI, or unset it to use the SQLite file of the project."
        raise UserFacingError(f"The tracking store {uri} cannot be used: {one_line(error)}. {advice}") from error


def _connect(uri: str) -> mlflow.MlflowClient:
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    client.search_experiments(max_results=1)
    return client


def _connect_to_sqlite(path: Path) -> mlflow.MlflowClient:
    """Connect one process at a time: several that create a store at once break each other's migrations."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if path.exists():
            _check_database(path)
            return _connect(_sqlite_uri(path))
        # A new store keeps its artifacts in `mlruns` of the current folder, for good.
        with contextlib.chdir(path.parent):
            return _connect(_sqlite_uri(path))


def _sqlite_uri(path: Path) -> str:
    return SQLITE + quote(path.as_posix(), safe="/:")


def _check_database(path: Path) -> None:
    """Raise at once what MLflow raises after minutes of retries: no access, or no database."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA schema_version")
