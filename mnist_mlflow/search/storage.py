"""Optuna's storage in a database, which may restart, and the lock that makes admission one step."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from filelock import FileLock
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, PendingRollbackError, SQLAlchemyError

from mnist_mlflow.data import databases

Rows: TypeAlias = Mapping[Any, Sequence[Mapping[str, Any]]]  # by the model of their table

USED_ON = "8s2b"  # the code of SQLAlchemy's error where Optuna goes on with a connection that was lost
LOCK_POLL = 0.01  # seconds
CACHE_USES = {
    "_create_new_trial",
    "_get_trials",
    "_set_trial_param",
}  # what Optuna's cache of trials calls beside the public methods
OUR_METHODS = {"begin_trial", "write_trial", "latest_trial"}
LATEST = text("SELECT COALESCE(MAX(trial_id), -1) FROM trials WHERE study_id = :study_id")
LOCK_ROW = text("SELECT study_id FROM studies WHERE study_name = :name FOR UPDATE")


@dataclass
class TrialNews:
    """Changes of a trial that are still to be written; `values` and `end` are those of one that ends."""

    params: dict[str, tuple[float, BaseDistribution]] = field(default_factory=dict)  # the number that Optuna keeps
    user_attrs: dict[str, Any] = field(default_factory=dict)
    intermediate_values: dict[int, float] = field(default_factory=dict)
    state: TrialState = TrialState.RUNNING
    values: Sequence[float] = ()
    end: datetime | None = None


class PatientStorage(RDBStorage):  # type: ignore[misc]
    """A storage that repeats what a restart of its database broke off; each new connection waits for the server.

    Whatever it repeats may have been done already, and is the same when it is done twice.
    """

    def begin_trial(self, study_id: int, user_attrs: Mapping[str, Any], system_attrs: Mapping[str, Any]) -> FrozenTrial:
        """Create a trial that runs, with its attributes and a first sign of life, in one transaction."""
        with _create_scoped_session(self.scoped_session) as session:
            models.StudyModel.find_or_raise_by_id(study_id, session, for_update=True)
            trial = self._get_prepared_new_trial(study_id, None, session)
            rows: Rows = {
                models.TrialUserAttributeModel: _attributes(user_attrs),
                models.TrialSystemAttributeModel: _attributes(system_attrs),
                models.TrialHeartbeatModel: [{}],  # Optuna gives up no machine that dies without one
            }
            _insert(session, trial.trial_id, rows)
            return FrozenTrial(
                trial.number,
                TrialState.RUNNING,
                value=None,
                datetime_start=trial.datetime_start,
                datetime_complete=None,
                params={},
                distributions={},
                user_attrs=as_read(user_attrs),
                system_attrs=as_read(system_attrs),
                intermediate_values={},
                trial_id=trial.trial_id,
            )

    def write_trial(self, trial_id: int, news: TrialNews) -> None:
        """Write what is new of a trial that runs, in one transaction.

        Raises UpdateFinishedTrialError where others have closed it.
        """
        with _create_scoped_session(self.scoped_session, ignore_integrity_error=True) as session:  # written already
            trial = models.TrialModel.find_or_raise_by_id(trial_id, session, for_update=True)
            self.check_trial_is_updatable(trial_id, trial.state)
            _insert(session, trial_id, _rows(news))
            trial.state, trial.datetime_complete = news.state, news.end

    def latest_trial(self, study_id: int) -> int:
        """The id of the latest trial of a study; -1 where it has none."""
        with _create_scoped_session(self.scoped_session) as session:
            return int(session.scalar(LATEST, {"study_id": study_id}))


def as_read(value: Any) -> Any:
    """A value of JSON as it is read again."""
    return json.loads(json.dumps(value))


def _attributes(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value_json": json.dumps(value)} for key, value in attributes.items()]


def _rows(news: TrialNews) -> Rows:
    """The rows of Optuna's tables for what is new of a trial."""
    intermediate, final = models.TrialIntermediateValueModel, models.TrialValueModel
    params, steps, values = news.params.items(), news.intermediate_values.items(), enumerate(news.values)
    return {
        models.TrialUserAttributeModel: _attributes(news.user_attrs),
        models.TrialParamModel: [
            {"param_name": name, "param_value": value, "distribution_json": distribution_to_json(distribution)}
            for name, (value, distribution) in params
        ],
        intermediate: [
            dict(zip(("intermediate_value", "intermediate_value_type"), stored, strict=True), step=step)
            for step, stored in ((step, intermediate.intermediate_value_to_stored_repr(value)) for step, value in steps)
        ],
        final: [
            dict(zip(("value", "value_type"), final.value_to_stored_repr(value), strict=True), objective=goal)
            for goal, value in values
        ],
    }


def _insert(session: Any, trial_id: int, rows: Rows) -> None:
    """Insert rows of a trial, in one statement for each table."""
    for model, some in rows.items():
        if some:
            session.execute(model.__table__.insert(), [{"trial_id": trial_id, **row} for row in some])


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


for _name in BaseStorage.__abstractmethods__ | BaseHeartbeat.__abstractmethods__ | CACHE_USES | OUR_METHODS:
    setattr(PatientStorage, _name, _patient(getattr(PatientStorage, _name)))


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
