"""Studies in Optuna's own tables, in a database of their own."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import NopPruner
from optuna.storages import RDBStorage
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from mnist_mlflow.errors import UsageError, UserFacingError, one_line
from mnist_mlflow.search.objectives import directions
from mnist_mlflow.search.pruning import RungPruner
from mnist_mlflow.search.sampler import NumberedSampler
from mnist_mlflow.search.spec import SearchSpec

HEARTBEAT, GRACE = 15, 60  # seconds between signs of life, and without one until another machine's trial is given up
BUSY_TIMEOUT = 60  # seconds that SQLite waits for others
CONNECT_TIMEOUT = 5  # seconds until a server that does not answer is given up
LOCK_POLL = 0.01  # seconds

# Optuna itself locks the study's own row when it creates a trial, so that this lock is another row: its attributes.
LOCK_ROW = text(
    "SELECT study_id FROM study_user_attributes "
    "WHERE study_id = (SELECT study_id FROM studies WHERE study_name = :name) FOR UPDATE"
)


def open_study(spec: SearchSpec, storage: RDBStorage) -> optuna.Study:
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
    with user_facing_storage_errors(address, ImportError, OSError, RuntimeError):
        url = make_url(address)
        if url.get_backend_name() != "sqlite":
            return _connect(address, {"connect_args": {"connect_timeout": CONNECT_TIMEOUT}, "pool_pre_ping": True})
        path = Path(url.database or "").absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):  # several that create it at once would break each other's tables
            storage = _connect(address, {"connect_args": {"timeout": BUSY_TIMEOUT}})
        event.listen(storage.engine, "connect", _enable_wal)
        storage.engine.dispose()
        return storage


def _connect(address: str, options: dict[str, Any]) -> RDBStorage:
    with silence_experimental_warnings():
        return RDBStorage(address, options, heartbeat_interval=HEARTBEAT, grace_period=GRACE)


def _enable_wal(connection: Any, record: Any) -> None:
    """Save SQLite the wait for the disk at each write; a loss of power may cost the last trials."""
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


@contextlib.contextmanager
def study_lock(storage: RDBStorage, study: str) -> Iterator[None]:
    """Exclude all other processes that take this lock, on this machine and on others."""
    if storage.engine.dialect.name == "sqlite":
        path = Path(storage.engine.url.database or "").absolute()
        with FileLock(f"{path}.lock").acquire(poll_interval=LOCK_POLL):
            yield
    else:
        with storage.engine.begin() as connection:
            connection.execute(LOCK_ROW, {"name": study})
            yield


@contextlib.contextmanager
def user_facing_storage_errors(address: str, *more: type[Exception]) -> Iterator[None]:
    """Raise UserFacingError, with the remedy, where the storage of studies fails; `more` lists further error types."""
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError, *more) as error:
        advice = "Check OPTUNA_STORAGE, or unset it to use a file beside the tracking store."
        text = f"The storage of studies {address} cannot be used: {one_line(error)}. {advice}"
        raise UserFacingError(text) from error


@contextlib.contextmanager
def silence_experimental_warnings() -> Iterator[None]:
    """Use Optuna's heartbeat without a warning each time that it is experimental."""
    with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
        yield
