"""Where studies are kept: Optuna's own tables, in a database of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.pruners import NopPruner
from optuna.storages import RDBStorage
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from mnist_mlflow.errors import UsageError, UserFacingError, one_line
from mnist_mlflow.search.objectives import directions
from mnist_mlflow.search.pruning import StagePruner
from mnist_mlflow.search.queue import experimenting
from mnist_mlflow.search.sampler import NumberedSampler

HEARTBEAT, GRACE = 15, 60  # seconds between signs of life, and without one until a trial of another machine is given up
PATIENCE = 60  # seconds that SQLite waits for others
REACH = 5  # seconds until a server that does not answer is given up


@dataclass(frozen=True)
class Plan:
    """What a study is: where it is kept, under which name, what it aims at, and what it must be about."""

    storage: str
    name: str
    objective: str
    seed: int
    about: Mapping[str, Any]
    prune: bool = True

    @property
    def prunes(self) -> bool:
        """Whether trials that lag behind are broken off: with two goals, none is behind in all."""
        return self.prune and len(directions(self.objective)) == 1


def open_study(plan: Plan) -> optuna.Study:
    """Create or resume the study; raises UserFacingError for an unusable storage, UsageError for another study."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with explaining(plan.storage, ImportError, OSError, RuntimeError):
        study = optuna.create_study(
            storage=_open_storage(plan.storage),
            study_name=plan.name,
            directions=directions(plan.objective),
            sampler=NumberedSampler(plan.seed),
            pruner=StagePruner() if plan.prunes else NopPruner(),
            load_if_exists=True,
        )
        used = study.get_trials(deepcopy=False)  # read first: ours have `about` before they have trials
        if "about" not in study.user_attrs:
            if used:
                raise _of_another_program(plan)
            study.set_user_attr("about", dict(plan.about))
        _check(plan, study.user_attrs["about"])
    return study


def _of_another_program(plan: Plan) -> UsageError:
    return UsageError(
        f"The study {plan.name!r} was begun by another program. Type another name, for example: study={plan.name}-2"
    )


def _check(plan: Plan, found: Mapping[str, Any]) -> None:
    differences = [
        f"{key} is {found.get(key)!r} there and {value!r} here"
        for key, value in plan.about.items()
        if found.get(key) != value
    ]
    if differences:
        raise UsageError(
            f"The study {plan.name!r} is another one: {', '.join(differences)}. "
            f"Type the command that it was begun with, or another name, for example: study={plan.name}-2"
        )


@contextlib.contextmanager
def explaining(address: str, *more: type[Exception]) -> Iterator[None]:
    """Raise UserFacingError, with the remedy, where the storage of studies fails; `more` lists further error types."""
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError, *more) as error:
        shown = _without_password(address)
        advice = "Check OPTUNA_STORAGE, or unset it to use a file beside the tracking store."
        raise UserFacingError(f"The storage of studies {shown} cannot be used: {one_line(error)}. {advice}") from error


def _without_password(address: str) -> str:
    try:
        return make_url(address).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return address


def _open_storage(address: str) -> RDBStorage:
    url = make_url(address)
    if url.get_backend_name() != "sqlite":
        return _connect(address, {"connect_args": {"connect_timeout": REACH}, "pool_pre_ping": True})
    path = Path(url.database or "").absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):  # several that create it at once would break each other's tables
        storage = _connect(address, {"connect_args": {"timeout": PATIENCE}})
    event.listen(storage.engine, "connect", _hurry)
    storage.engine.dispose()
    return storage


def _connect(address: str, options: dict[str, Any]) -> RDBStorage:
    with experimenting():
        return RDBStorage(address, options, heartbeat_interval=HEARTBEAT, grace_period=GRACE)


def _hurry(connection: Any, record: Any) -> None:
    """Let SQLite write ahead, which spares it waiting for the disk; a loss of power may cost the last trials."""
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
