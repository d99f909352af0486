"""Accounts on the server of a team, for tests; the fixture `team` is one server for all tests of a session.

A keeper, `python -m tests.team_server`, starts it when the first test of any process wants it, and ends it with the
session. Each test makes accounts, experiments and models of its own. `tests.team_server` starts others.
"""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import mlflow
import psutil
import pytest
import requests
from filelock import FileLock
from sqlalchemy.engine import make_url

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.types import silent
from tests.faults.servers import Proxy
from tests.team_server import KEEPER, READY, ROOT, SECRETS, TeamServer, skip_without_postgresql

START = 100  # seconds until the server has to answer
END = 30  # seconds that it takes at most to end
KEEPERS: list[subprocess.Popen[bytes]] = []  # that this process started: Python warns of one that it forgets


@dataclass(frozen=True)
class Account:
    """Who may log in, and the variables with which a command does."""

    name: str
    password: str

    @property
    def variables(self) -> dict[str, str]:
        return {"MLFLOW_TRACKING_USERNAME": self.name, "MLFLOW_TRACKING_PASSWORD": self.password}


ADMIN = Account("admin", SECRETS["TEAM_ADMIN_PASSWORD"])


@dataclass(frozen=True)
class Team:
    """The addresses of a server, its studies and its database, its settings as in .env, and its administrator."""

    uri: str
    studies: str
    database: str
    settings: dict[str, str]
    admin: Account = ADMIN

    def user(self, name: str = "member") -> Account:
        """A new account, whose name begins so."""
        account = Account(f"{name}-{secrets.token_hex(3)}", secrets.token_urlsafe(12))
        self.call("2.0/mlflow/users/create", username=account.name, password=account.password)
        return account

    def grant(self, account: Account, kind: str, what: str, permission: str) -> None:
        """Give an account a permission on an experiment (by id) or a registered_model (by name)."""
        self._permission("grant", account, kind, what, permission=permission)

    def revoke(self, account: Account, kind: str, what: str) -> None:
        self._permission("revoke", account, kind, what)

    def _permission(self, action: str, account: Account, kind: str, what: str, **more: str) -> None:
        body = {"username": account.name, "resource_type": kind, "resource_id": what, **more}
        self.call(f"3.0/mlflow/users/permissions/{action}", **body)

    def call(self, path: str, **body: object) -> None:
        """What the administrator asks for, of the part of the interface that MLflow's client lacks."""
        administrator = (self.admin.name, self.admin.password)
        done = requests.post(f"{self.uri}/api/{path}", json=body, auth=administrator, timeout=30)
        assert done.ok, done.text

    def variables(self, account: Account, experiment: str = "") -> dict[str, str]:
        """The variables of a command of an account; in its experiment, made on first use."""
        named = {"MLFLOW_EXPERIMENT_NAME": experiment or account.name}
        return {"MLFLOW_TRACKING_URI": self.uri, "OPTUNA_STORAGE": self.studies, **account.variables, **named}

    @contextlib.contextmanager
    def counted(self) -> Iterator[tuple["Team", Proxy]]:
        """The same server behind a proxy, whose `requests` have account, method and path of each that comes."""
        proxy = Proxy(make_url(self.uri).port or 80)
        try:
            yield replace(self, uri=proxy.uri), proxy
        finally:
            proxy.shutdown()
            proxy.server_close()

    @contextlib.contextmanager
    def as_user(self, account: Account, experiment: str = "") -> Iterator[mlflow.MlflowClient]:
        """Be that account, in its experiment, as long as this lasts."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.variables(account, experiment).items():
                patch.setenv(name, value)
            mlflow.set_tracking_uri(self.uri)
            try:
                yield mlflow.MlflowClient()
            finally:
                while mlflow.active_run():
                    mlflow.end_run()
                mlflow.set_tracking_uri(None)


def team_of(server: TeamServer) -> Team:
    """The team of a server that a test has started."""
    return Team(server.uri, server.studies, server.database, server.settings)


def add_versions(client: mlflow.MlflowClient, name: str, count: int = 2) -> None:
    """Make a registered model with versions of empty models, in an experiment of the same name."""
    client.create_registered_model(name)
    experiment = client.create_experiment(name)
    for _ in range(count):
        model_id = client.create_logged_model(experiment).model_id
        client.finalize_logged_model(model_id, "READY")
        client.create_model_version(name, f"models:/{model_id}", model_id=model_id)


def train_small() -> RunResult:
    """Train on a few digits, as the account that is logged in."""
    return train(Task("knn", {}, DataOptions("digits", train_size=200)), silent)


def shared_team(shared: Path) -> Team:
    """The server of all tests of this session."""
    skip_without_postgresql()
    with FileLock(shared / "team.lock"):
        if not (shared / READY).exists():
            start_keeper(shared)
    return Team(**json.loads((shared / READY).read_text()))


def start_keeper(shared: Path) -> None:
    """Start the keeper, which ends with the session's first process, and wait for its server."""
    session = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    command = [sys.executable, "-m", "tests.team_server", str(shared), str(session)]
    with (shared / "keeper.log").open("wb") as log:
        keeper = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
    KEEPERS.append(keeper)
    (shared / KEEPER).write_text(str(keeper.pid))
    end = time.monotonic() + START
    while not (shared / READY).exists():
        assert keeper.poll() is None, (shared / "keeper.log").read_text()
        assert time.monotonic() < end
        time.sleep(0.1)


def end_keeper(shared: Path) -> None:
    """End the keeper with its server, if there is one, and wait until they are gone."""
    file, end = shared / KEEPER, time.monotonic() + END
    with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
        keeper = psutil.Process(int(file.read_text()))
        keeper.terminate()
        while file.exists() and keeper.is_running() and time.monotonic() < end:
            time.sleep(0.05)
