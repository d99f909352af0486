"""Optuna's storage in a database, which may restart, and the lock that makes admission one step."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from filelock import FileLock
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._heartbeat import BaseHeartbeat
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, PendingRollbackError, SQLAlchemyError

from mnist_mlflow.data import databases

USED_ON = "8s2b"  # the code of SQLAlchemy's error where Optuna goes on with a connection that was lost
LOCK_POLL = 0.01  # seconds
CACHE_USES = {
    "_create_new_trial",
    "_get_trials",
    "_set_trial_param",
}  # what Optuna's cache of trials calls beside the public methods
LOCK_ROW = text("SELECT study_id FROM studies WHERE study_name = :name FOR UPDATE")


class PatientStorage(RDBStorage):  # type: ignore[misc]
    """A storage that repeats what a restart of its database broke off; each new connection waits for the server.

    Whatever it repeats may have been done already, and is the same when it is done twice.
    """


def _patient(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: PatientStorage, *arguments: Any, **options: Any) -> Any:
        while True:
            try:
                return method(self, *arguments, **options)
            except (StorageInternalError, SQLAlchemyError) as error:
                if not lost_connection(error) or isinstance(self.scoped_session.bind, Connection):
                    raise

    return call


for _name in BaseStorage.__abstractmethods__ | BaseHeartbeat.__abstractmethods__ | CACHE_USES:
    setattr(PatientStorage, _name, _patient(getattr(RDBStorage, _name)))


def lost_connection(error: BaseException) -> bool:
    """True for an error of a connection that its database server has ended."""
    cause = error.__cause__ if isinstance(error, StorageInternalError) else error
    is_used_on = isinstance(cause, PendingRollbackError) and cause.code == USED_ON
    return is_used_on or (isinstance(cause, DBAPIError) and cause.connection_invalidated)


@contextlib.contextmanager
def study_lock(storage: RDBStorage, study: str) -> Iterator[None]:
    """Exclude all other processes that take this lock, on this machine and on others.

    On a database server, all that this thread does with the storage inside is one transaction. Where it fails, or its
    process is killed, nothing of it has happened.
    """
    if storage.engine.dialect.name == "sqlite":
        path = databases.sqlite_file(storage.engine.url)
        with FileLock(f"{path}.lock").acquire(poll_interval=LOCK_POLL):
            yield
        return
    with storage.engine.begin() as connection:
        connection.execute(LOCK_ROW, {"name": study})
        storage.remove_session()
        storage.scoped_session(bind=connection, join_transaction_mode="create_savepoint")
        try:
            yield
        finally:
            storage.remove_session()
