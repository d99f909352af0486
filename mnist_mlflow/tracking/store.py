"""The tracking store: which one it is, whether it answers, and its creation by one process alone."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import mlflow
from filelock import FileLock

from mnist_mlflow.errors import Failure

SQLITE = "sqlite:///"
TIMEOUT = 5  # seconds


def project_root() -> Path:
    """The folder of MLproject, or, where the package was installed without it, the current folder."""
    folder = Path(__file__).resolve().parents[2]
    return folder if (folder / "MLproject").is_file() else Path.cwd()


def store_uri() -> str:
    """The address of the store that is connected."""
    uri: str = mlflow.get_tracking_uri()
    return uri


def connect() -> mlflow.MlflowClient:
    """A client of the store that MLFLOW_TRACKING_URI names, else of the SQLite file in the project's root.

    Raises Failure at once, not after minutes of retries, when the store does not answer.
    """
    if not mlflow.is_tracking_uri_set():
        mlflow.set_tracking_uri(f"{SQLITE}{(project_root() / 'mlflow.db').as_posix()}")
    uri = mlflow.get_tracking_uri()
    if uri.startswith(("http://", "https://")):
        _knock(uri)
    try:
        with _alone_while_new(uri):
            client = mlflow.MlflowClient()
            client.search_experiments(max_results=1)
    except Exception as error:
        raise Failure(f"The tracking store {uri} cannot be used: {_first_line(error)}. {_ADVICE}") from error
    return client


_ADVICE = "Check MLFLOW_TRACKING_URI, or unset it to use the SQLite file of the project."


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _knock(uri: str) -> None:
    import requests

    try:
        requests.get(uri.rstrip("/") + "/health", timeout=TIMEOUT)
    except requests.RequestException as error:
        raise Failure(f"The tracking server {uri} does not answer ({type(error).__name__}). {_ADVICE}") from error


@contextlib.contextmanager
def _alone_while_new(uri: str) -> Iterator[None]:
    """Let one process create a SQLite store: several at once break each other's migrations."""
    path = Path(uri.removeprefix(SQLITE))
    if not uri.startswith(SQLITE) or path.exists():
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # A new store keeps its artifacts in `mlruns` of the current folder, for good.
    with FileLock(f"{path}.lock"), contextlib.chdir(path.parent):
        yield
