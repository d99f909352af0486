"""The server of a team as deploy/ sets it up, for as long as it is wanted.

`python -m benchmarks.measure.team_server` prints its memory and the time that it takes to start.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
import psutil
from sqlalchemy.engine import make_url
from tabulate import tabulate

from benchmarks.measure.postgresql import postgresql
from benchmarks.process import MB, free_port
from deploy.service import FOLDER, Service, is_healthy, read_service

START = 200  # seconds until the server has to answer
WORKERS = (1, 2, 4)
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
    "TEAM_FOLDER": str(FOLDER),
}
SOON = {"MLFLOW_WEBHOOK_CACHE_TTL": "1"}  # or a new webhook would wait for a minute


class TeamServer:
    """`mlflow server` as compose.yaml starts it; it can be killed and started again. Its log is in the folder."""

    def __init__(self, database: str, folder: Path, **settings: str) -> None:
        """Make the databases on the PostgreSQL at its administrator's address; `settings` are as in .env."""
        self.database, self.folder = database, folder
        address = make_url(database)
        place = {"TEAM_DATABASE_HOST": str(address.host), "TEAM_DATABASE_PORT": str(address.port)}
        files = {"TEAM_ARTIFACTS": str(folder / "artifacts"), "TEAM_BACKUPS": str(folder / "backups")}
        self.settings = {**SECRETS, **HERE, **place, **files, "TEAM_PORT": str(free_port()), **settings}
        administrator = {"PGHOST": str(address.host), "PGPORT": str(address.port), "PGUSER": str(address.username)}
        environment = {**os.environ, **self.settings, **administrator}
        subprocess.run([FOLDER / "databases.sh"], env=environment, check=True)
        studies = address.set(username="optuna", password=self.settings["TEAM_STUDIES_PASSWORD"], database="optuna")
        self.studies = studies.render_as_string(hide_password=False)
        self.port = int(self.settings["TEAM_PORT"])
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server, and wait until its health check is passed."""
        service = read_service("server", self.settings)
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *service.command],
                env={**os.environ, **service.variables, **SOON},
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
            if self.process.poll() is not None or time.monotonic() > end:
                raise click.ClickException((self.folder / "server.log").read_text(encoding="utf-8"))
            time.sleep(0.5)  # each look starts a Python

    def kill(self) -> None:
        """Kill the server and its workers, if it runs."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextlib.contextmanager
def running(server: TeamServer) -> Iterator[TeamServer]:
    """The server, started, and killed at the end."""
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def team_server(**settings: str) -> Iterator[TeamServer]:
    """A server that nobody else uses, with its PostgreSQL."""
    with (
        postgresql() as database,
        tempfile.TemporaryDirectory() as folder,
        running(TeamServer(database, Path(folder), **settings)) as server,
    ):
        yield server


def measure_memory(workers: int) -> dict[str, str]:
    """Memory and start of a server with so many workers, before anybody has used it."""
    with team_server(TEAM_WORKERS=str(workers)) as server:
        server.kill()
        begin = time.monotonic()
        server.start()  # again: the tables are there
        seconds = time.monotonic() - begin
        main = psutil.Process(server.process.pid)
        used = sum(process.memory_full_info().pss for process in (main, *main.children(recursive=True)))
    return {"workers": str(workers), "memory": f"{used / MB:,.0f} MB", "start": f"{seconds:.0f} s"}


if __name__ == "__main__":
    click.echo(tabulate([measure_memory(workers) for workers in WORKERS], headers="keys", tablefmt="github"))
