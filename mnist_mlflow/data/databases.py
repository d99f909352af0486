"""Databases as stores: their addresses read as SQLAlchemy reads them, and asked once before MLflow asks for minutes."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, make_url
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.interrupts import begin_transaction, end_transaction, has_to_end

PATIENCE = 10  # seconds for a server to answer
PAUSE = 0.5  # seconds between two tries to reach one that restarts
SERVERS = ("postgresql", "mysql", "mariadb")  # whose drivers take `connect_timeout`
DRIVERS = {"postgresql": 'pip install "mnist-mlflow[postgresql]"', "mysql": "pip install pymysql"}
FILE_URI = re.compile(r"^file:(//(localhost)?(?=/))?")  # what SQLite puts before a path if the query has `uri=true`

# The words by which servers refuse, and what to do about it.
REFUSALS = {
    ("password authentication failed", "no password supplied", "access denied for user"): (
        "the user or the password is wrong",
        "Check both in the address, with special characters percent-encoded",
    ),
    ("too many clients", "remaining connection slots", "too many connections"): (
        "all of its connections are taken",
        "Start fewer workers, or raise its max_connections",
    ),
    ("does not exist", "unknown database"): ("there is no such database or user", "Create it, or check the address"),
}

# No signal breaks off a transaction of MLflow or Optuna.
event.listen(Session, "after_begin", lambda _session, transaction, _connection: begin_transaction(id(transaction)))
event.listen(Session, "after_transaction_end", lambda _session, transaction: end_transaction(id(transaction)))


def read_address(address: str) -> URL | None:
    """The address of a database; None for any other store.

    Raises UserFacingError for one that SQLAlchemy does not understand.
    """
    scheme, separator, _ = address.partition("://")
    if not separator or scheme.partition("+")[0] not in (*SERVERS, "sqlite", "mssql"):
        return None
    try:
        return make_url(address)
    except (ArgumentError, ValueError) as error:
        raise UserFacingError(f"{address} is no address of a database: {one_line(error)}.") from error


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite address, absolute; None for a database in memory or on a server."""
    if url.get_backend_name() != "sqlite" or not url.database or url.query.get("mode") == "memory":
        return None
    name = _file_name(url)
    return None if name == ":memory:" else Path(name).absolute()


def file_of(address: str) -> Path | None:
    """The file of a store at an address, absolute; None for a store in memory or on a server."""
    url = read_address(address)
    return sqlite_file(url) if url else None


def is_relative(address: str) -> bool:
    """True for a SQLite file that another current folder would make another file."""
    return file_of(address) is not None and not Path(_file_name(make_url(address))).is_absolute()


def to_type(address: str) -> str:
    """A relative SQLite address as it is typed in the folder that it means, to hold everywhere."""
    return address.replace(":///", ":///$PWD/", 1)


def sqlite_uri(path: Path) -> str:
    """The address of a SQLite file, as MLflow and SQLAlchemy both read it."""
    return f"sqlite:///{_quoted(path)}"


def with_file(address: str, path: Path) -> str:
    """A SQLite address with another path; its driver and its query stay."""
    head, _, tail = address.partition(":///")
    query = tail.partition("?")[2]
    scheme = "file:" if tail.startswith("file:") and "uri" in make_url(address).query else ""
    return f"{head}:///{scheme}{_quoted(path)}" + (f"?{query}" if query else "")


def has_run(path: Path, run_id: str) -> bool:
    """True if a SQLite file is a store that has a run."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            return bool(database.execute("SELECT 1 FROM runs WHERE run_uuid = ?", [run_id]).fetchone())
    except sqlite3.Error:
        return False


def _file_name(url: URL) -> str:
    name = url.database or ""
    return FILE_URI.sub("", name) if "uri" in url.query else name


def _quoted(path: Path) -> str:
    # MLflow creates the folder as it is written here, before SQLAlchemy decodes the path.
    return path.as_posix().replace("%", "%25").replace("?", "%3F")


def check_server(url: URL, what: str) -> None:
    """Connect once to a database server, called `what`; raises UserFacingError, after ten seconds at most."""
    try:
        create_engine(url, poolclass=NullPool, connect_args=connect_options(url)).connect().close()
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        install = DRIVERS.get(url.get_backend_name(), "install the driver that the address names")
        raise UserFacingError(f"The driver of {shown(url)} is missing ({one_line(error)}). Type: {install}") from error
    except SQLAlchemyError as error:
        reason, remedy = _explain(str(error.__cause__ or error).lower())
        raise UserFacingError(f"{what} {shown(url)} cannot be used: {reason}. {remedy}.") from error


def connect_options(url: URL) -> dict[str, Any]:
    """The options with which a driver gives up a server that does not answer."""
    return {"connect_timeout": PATIENCE} if url.get_backend_name() in SERVERS else {}


def wait_for_restarts(engine: Engine) -> None:
    """Let an engine wait for its server, which has answered before, as long as MLflow waits for its own.

    A program that SIGTERM or SIGHUP ends waits no more than ten seconds.
    """
    if engine.dialect.name in SERVERS:
        event.listen(engine, "do_connect", _connect_again)


def _connect_again(dialect: Any, record: Any, arguments: Any, options: Any) -> Any:
    began, patience = time.monotonic(), seconds_of_retries()
    while True:
        try:
            return dialect.connect(*arguments, **options)
        except dialect.loaded_dbapi.OperationalError:
            if time.monotonic() > began + (min(PATIENCE, patience) if has_to_end() else patience):
                raise
            time.sleep(PAUSE)


def seconds_of_retries() -> float:
    """The seconds that MLflow waits for its own server, by the number of its retries: four minutes for seven."""
    retries = int(os.environ.get("MLFLOW_HTTP_REQUEST_MAX_RETRIES") or 7)
    return float(sum(min(120, 2 * 2**number) for number in range(1, retries)))


def shown(url: URL) -> str:
    """The address without its password."""
    return url.render_as_string(hide_password=True)


def _explain(text: str) -> tuple[str, str]:
    for words, explanation in REFUSALS.items():
        if any(word in text for word in words):
            return explanation
    return f"no server answered within {PATIENCE} seconds", "Start it, or check host and port"
