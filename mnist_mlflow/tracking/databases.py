"""Databases as stores: their addresses read as SQLAlchemy reads them, and asked once before MLflow asks for minutes."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from mnist_mlflow.errors import UserFacingError, one_line

PATIENCE = 10  # seconds for a server to answer
SERVERS = ("postgresql", "mysql", "mariadb")  # whose drivers take `connect_timeout`
DRIVERS = {"postgresql": 'pip install "mnist-mlflow[postgresql]"', "mysql": "pip install pymysql"}

# The words by which servers refuse, and what to do about it.
REFUSALS = {
    ("password authentication failed", "no password supplied", "access denied for user"): (
        "the user or the password is wrong",
        "Check both in the address, with special characters percent-encoded",
    ),
    ("does not exist", "unknown database"): ("there is no such database or user", "Create it, or check the address"),
}


def read_address(address: str) -> URL | None:
    """The address of a database; None for any other store.

    Raises UserFacingError for one that SQLAlchemy does not understand.
    """
    if "://" not in address or address.split("://", 1)[0].split("+")[0] not in (*SERVERS, "sqlite", "mssql"):
        return None
    try:
        return make_url(address)
    except (ArgumentError, ValueError) as error:
        raise UserFacingError(f"{address} is no address of a database: {one_line(error)}.") from error


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite address, absolute; None for a database in memory or on a server."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    assert url.database
    return Path(url.database.removeprefix("file:")).absolute()


def check_server(url: URL) -> None:
    """Connect to a database server once; raises UserFacingError, with the remedy, after ten seconds at most."""
    timeout = {"connect_timeout": PATIENCE} if url.get_backend_name() in SERVERS else {}
    try:
        create_engine(url, poolclass=NullPool, connect_args=timeout).connect().close()
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        install = DRIVERS.get(url.get_backend_name(), "install the driver that the address names")
        raise UserFacingError(f"The driver of {shown(url)} is missing ({one_line(error)}). Type: {install}") from error
    except SQLAlchemyError as error:
        reason, remedy = _explain(str(error.__cause__ or error).lower())
        raise UserFacingError(f"The database {shown(url)} cannot be used: {reason}. {remedy}.") from error


def shown(url: URL) -> str:
    """The address without its password."""
    return url.render_as_string(hide_password=True)


def _explain(text: str) -> tuple[str, str]:
    for words, explanation in REFUSALS.items():
        if any(word in text for word in words):
            return explanation
    return f"no server answered within {PATIENCE} seconds", "Start it, or check host and port"
