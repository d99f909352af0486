"""A server of a team for tests: one that they share, or one of their own.

`python -m tests.team_server FOLDER PID` keeps one until that process ends.
"""

import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks.measure.postgresql import is_installed
from benchmarks.measure.team_server import SECRETS, TeamServer, running, team_server

__all__ = [
    "KEEPER",
    "READY",
    "ROOT",
    "SECRETS",
    "TeamServer",
    "running",
    "server_of_its_own",
    "skip_without_postgresql",
]

ROOT = Path(__file__).resolve().parents[1]
READY, KEEPER = "team.json", "keeper.pid"  # files in the folder that all processes of the session share


def skip_without_postgresql() -> None:
    if not is_installed():
        pytest.skip("PostgreSQL's server is not installed: apt-get install postgresql")


@contextlib.contextmanager
def server_of_its_own(**settings: str) -> Iterator[TeamServer]:
    """A server, with its PostgreSQL, that nobody else uses: to be killed, or to have other settings."""
    skip_without_postgresql()
    with team_server(**settings) as server:
        yield server


def keep(shared: Path, session: int) -> None:
    """Keep a server until the session's process, or this one, is asked to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with server_of_its_own() as server:
        new = shared / f"{READY}.new"
        fields = ("uri", "studies", "database", "settings")
        new.write_text(json.dumps({name: getattr(server, name) for name in fields}))
        new.rename(shared / READY)
        while psutil.pid_exists(session):
            time.sleep(0.2)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    try:
        keep(folder, int(sys.argv[2]))
    finally:
        (folder / KEEPER).unlink(missing_ok=True)
