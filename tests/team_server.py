"""The server of a team as deploy/ sets it up, with its PostgreSQL.

`python -m tests.team_server FOLDER PID` keeps one until that process ends.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy.engine import make_url

from benchmarks.measure.postgresql import is_installed, postgresql
from benchmarks.process import free_port
from deploy.service import FOLDER, Service, is_healthy, read_service

ROOT = Path(__file__).resolve().parents[1]
READY, KEEPER = "team.json", "keeper.pid"  # files in the folder that all processes of the session share
START = 100  # seconds until the server has to answer
SECRETS = {
    "TEAM_ADMIN_PASSWORD": "the-first-password",
    "TEAM_DATABASE_PASSWORD": "of the databases",
    "TEAM_STUDIES_PASSWORD": "of-the-studies",
    "TEAM_SECRET_KEY": "against forged forms",
    "TEAM_WEBHOOK_KEY": "d2VsbC1rbm93bi1rZXktb2YtdGhlc2UtdGVzdHMtMzI=",
}
HERE = {
    "TEAM_LISTEN": "127.0.0.1",
    "TEAM_HOSTS": "127.0.0.1:*",  # a proxy has a port of its own
    "TEAM_WEBHOOK_SCHEMES": "http",
    "TEAM_WEBHOOK_PRIVATE": "true",
}


class TeamServer:
    """`mlflow server` with the settings of deploy/compose.yaml; can be killed and started again."""

    def __init__(self, database: str, folder: Path, **settings: str) -> None:
        """Databases of the PostgreSQL at that address, artifacts in the folder; `settings` as in .env."""
        address, self.database = make_url(database), database
        self.folder, self.port = folder, free_port()
        self.environ = {
            **os.environ,
            **SECRETS,
            **HERE,
            "TEAM_PORT": str(self.port),
            "TEAM_DATABASE_HOST": str(address.host),
            "TEAM_DATABASE_PORT": str(address.port),
            "TEAM_ARTIFACTS": str(folder / "artifacts"),
            "TEAM_FOLDER": str(FOLDER),
            **settings,
        }
        owner = {"PGHOST": str(address.host), "PGPORT": str(address.port), "PGUSER": str(address.username)}
        subprocess.run([FOLDER / "databases.sh"], env={**self.environ, **owner}, check=True)
        studies = address.set(username="optuna", password=SECRETS["TEAM_STUDIES_PASSWORD"], database="optuna")
        self.uri, self.studies = f"http://127.0.0.1:{self.port}", studies.render_as_string(hide_password=False)

    def start(self) -> None:
        """Start the server, and wait until its health check is passed."""
        service = read_service("server", self.environ)
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *service.command],
                env={**os.environ, **service.variables},
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait(service)
        except BaseException:
            self.kill()
            raise

    def _wait(self, service: Service) -> None:
        end = time.monotonic() + START
        while not is_healthy(service):
            log = (self.folder / "server.log").read_text()
            assert self.process.poll() is None, log
            assert time.monotonic() < end, log
            time.sleep(0.2)

    def kill(self) -> None:
        """Kill the server and its workers, if it runs."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def skip_without_postgresql() -> None:
    if not is_installed():
        pytest.skip("PostgreSQL's server is not installed: apt-get install postgresql")


@contextlib.contextmanager
def server_of_its_own(**settings: str) -> Iterator[TeamServer]:
    """A server, with its PostgreSQL, that nobody else uses: to be killed, or to have other settings."""
    skip_without_postgresql()
    with postgresql() as database, tempfile.TemporaryDirectory() as folder:
        server = TeamServer(database, Path(folder), **settings)
        server.start()
        try:
            yield server
        finally:
            server.kill()


def keep(shared: Path, session: int) -> None:
    """Keep a server until the session's process, or this one, is asked to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with server_of_its_own() as server:
        new = shared / f"{READY}.new"
        new.write_text(json.dumps({"uri": server.uri, "studies": server.studies}))
        new.rename(shared / READY)
        while psutil.pid_exists(session):
            time.sleep(0.2)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    try:
        keep(folder, int(sys.argv[2]))
    finally:
        (folder / KEEPER).unlink(missing_ok=True)
