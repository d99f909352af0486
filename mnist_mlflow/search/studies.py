"""Studies in Optuna's own tables, in a database of their own."""

from __future__ import annotations

import contextlib
import os
import socket
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import optuna
import psutil
from filelock import FileLock
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import NopPruner
from optuna.storages import RDBStorage
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from mnist_mlflow.data import databases
from mnist_mlflow.errors import UsageError, UserFacingError, one_line
from mnist_mlflow.search.cache import TrialCache
from mnist_mlflow.search.objectives import directions
from mnist_mlflow.search.pruning import RungPruner
from mnist_mlflow.search.sampler import NumberedSampler
from mnist_mlflow.search.spec import SearchSpec
from mnist_mlflow.search.storage import PatientStorage

HEARTBEAT, GRACE = 15, 60  # seconds between signs of life, and without one until another machine's trial is given up
BUSY_TIMEOUT = 60  # seconds that SQLite waits for others
SERVER = "Name a database server: export OPTUNA_STORAGE=postgresql+psycopg://USER@HOST/NAME"

# File systems on which the locks of SQLite fail between machines.
SHARED = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "fuse.sshfs", "glusterfs", "fuse.glusterfs", "lustre", "gpfs")


def open_study(spec: SearchSpec, storage: RDBStorage | TrialCache) -> optuna.Study:
    """Create or resume the study of a search; raises UsageError for a study about something else."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        storage=storage,
        study_name=spec.study,
        directions=directions(spec.objective),
        sampler=NumberedSampler(spec.task.protocol.seed),
        pruner=RungPruner() if spec.prunes else NopPruner(),
        load_if_exists=True,
    )
    has_trials = bool(study.get_trials(deepcopy=False))  # read first: ours have `about` before they have trials
    if "about" not in study.user_attrs:
        if has_trials:
            raise UsageError(
                f"The study {spec.study!r} was begun by another program. "
                f"Type another name, for example: study={spec.study}-2"
            )
        study.set_user_attr("about", dict(spec.about))
    _check_subject(spec, study.user_attrs["about"])
    return study


def _check_subject(spec: SearchSpec, about: Mapping[str, Any]) -> None:
    differences = [
        f"{key} is {about.get(key)!r} there and {value!r} here"
        for key, value in spec.about.items()
        if about.get(key) != value
    ]
    if differences:
        raise UsageError(
            f"The study {spec.study!r} is another one: {', '.join(differences)}. "
            f"Type the command that it was begun with, or another name, for example: study={spec.study}-2"
        )


def open_storage(address: str) -> RDBStorage:
    """Create or open a storage of studies; raises UserFacingError when it cannot be used."""
    url = read_storage(address)
    with user_facing_storage_errors(address, ImportError, OSError, RuntimeError):
        path = databases.sqlite_file(url)
        if path is None:
            databases.check_server(url, "The storage of studies")
            storage = _connect(address, {"connect_args": databases.connect_options(url), "pool_pre_ping": True})
            databases.wait_for_restarts(storage.engine)
            return storage
        if refusal := network_refusal(path):
            raise UserFacingError(". ".join(refusal))
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):  # several that create it at once would break each other's tables
            storage = _connect(databases.with_file(address, path), {"connect_args": {"timeout": BUSY_TIMEOUT}})
        event.listen(storage.engine, "connect", _enable_wal)
        storage.engine.dispose()
        return storage


def open_existing_storage(address: str) -> RDBStorage:
    """Open a storage that others have made; raises UserFacingError where there is none."""
    path = databases.sqlite_file(read_storage(address))
    if path and not path.exists():
        raise UserFacingError(f"There are no studies in {path}. {SERVER}, the one that the search names too.")
    return open_storage(address)


def check_shared(address: str, host: str) -> None:
    """Raise UserFacingError where a search of another machine, `host`, keeps its study in a file."""
    if databases.file_of(address) and host != socket.gethostname():
        raise UserFacingError(
            f"The search runs on {host} and keeps its study in a file, which several machines cannot share safely. "
            f"{SERVER}, there and here, and start the search again."
        )


def network_refusal(path: Path) -> tuple[str, str] | None:
    """The reason why studies may not lie at a path, and the remedy; None where they may."""
    if not (kind := file_system(path)).startswith(SHARED):
        return None
    return f"{path} is on a network file system ({kind}), where SQLite may lose trials", SERVER


def file_system(path: Path) -> str:
    """The type of the file system that a path is on; empty where the system does not tell."""
    mounts = {Path(disk.mountpoint): disk.fstype for disk in psutil.disk_partitions(all=True)}
    resolved = path.resolve()
    return next((mounts[folder] for folder in (resolved, *resolved.parents) if folder in mounts), "")


def read_storage(address: str) -> URL:
    """The address of a storage of studies; raises UserFacingError for one that cannot keep or share them."""
    url = databases.read_address(address)
    if url is None:
        raise _no_storage(address, "it is no database: journals, Redis and proxies cannot tell which worker was killed")
    path = databases.sqlite_file(url)
    if path is None and url.get_backend_name() == "sqlite":
        raise _no_storage(address, "it is in memory, where workers and later commands do not find it")
    if path and os.environ.get("MLFLOW_RUN_ID") and databases.is_relative(address) and not path.exists():
        raise UserFacingError(
            f"The storage of studies {address} would be a new file in {path.parent}, where `mlflow run` runs: it is "
            f'relative. Type where you mean it to be: export OPTUNA_STORAGE="{databases.to_type(address)}"'
        )
    return url


def _no_storage(address: str, reason: str) -> UserFacingError:
    return UserFacingError(
        f"The storage of studies {address} cannot be used: {reason}. Accepted: sqlite:////PATH/optuna.db, "
        "postgresql://USER@HOST/NAME, mysql+pymysql://USER@HOST/NAME. "
        "Type one: export OPTUNA_STORAGE=..., or: unset OPTUNA_STORAGE  (a file beside the tracking store)"
    )


def _connect(address: str, options: dict[str, Any]) -> RDBStorage:
    with silence_experimental_warnings():
        return PatientStorage(address, options, heartbeat_interval=HEARTBEAT, grace_period=GRACE)


def _enable_wal(connection: Any, record: Any) -> None:
    """Save SQLite the wait for the disk at each write; a loss of power may cost the last trials."""
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


@contextlib.contextmanager
def user_facing_storage_errors(address: str, *more: type[Exception]) -> Iterator[None]:
    """Raise UserFacingError, with the remedy, where the storage of studies fails; `more` lists further error types."""
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError, *more) as error:
        advice = "Check OPTUNA_STORAGE, or unset it to use a file beside the tracking store."
        # Optuna's own words speak of invalid data where a server is gone.
        cause = error.__cause__ if isinstance(error, optuna.exceptions.StorageInternalError) else None
        text = f"The storage of studies {address} cannot be used: {one_line(cause or error)}. {advice}"
        raise UserFacingError(text) from error


@contextlib.contextmanager
def silence_experimental_warnings() -> Iterator[None]:
    """Use Optuna's heartbeat without a warning each time that it is experimental."""
    with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
        yield
