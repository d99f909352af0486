"""The place where tests of a cluster happen: three machines with Ray on them, and the server of a team."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import optuna
import psutil
import pytest
from mlflow.entities import Run
from optuna.storages import RDBStorage

from benchmarks.measure.postgresql import postgresql
from tests.cluster import Cluster, Machine, Network, cluster, network
from tests.team_server import SECRETS, TeamServer, skip_without_postgresql

END = 100  # seconds until a command has to end
PRINTED: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
SMALL = ("--data=digits", "--train_size=200")


@dataclass
class Place:
    """Three machines with Ray on them, and the server of a team that they reach."""

    network: Network
    cluster: Cluster
    server: TeamServer
    storage: RDBStorage
    folder: Path

    @property
    def variables(self) -> dict[str, str]:
        """What a command of the administrator needs."""
        return {
            "MLFLOW_TRACKING_URI": f"http://{self.network.address}:{self.server.port}",
            "MLFLOW_TRACKING_USERNAME": "admin",
            "MLFLOW_TRACKING_PASSWORD": SECRETS["TEAM_ADMIN_PASSWORD"],
            "MLFLOW_EXPERIMENT_NAME": "cluster",
            "OPTUNA_STORAGE": self.server.studies,
            "PYTHONUNBUFFERED": "1",
        }

    @contextlib.contextmanager
    def typed(self, machine: Machine, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A command of the program that was typed on a machine; killed in the end."""
        words = [sys.executable, "-m", "mnist_mlflow", *arguments]
        process = machine.popen(*words, variables=self.variables, **PRINTED)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def study(self, name: str) -> optuna.Study:
        return optuna.load_study(study_name=name, storage=self.storage)

    def states(self, name: str) -> list[str]:
        """The states of the trials of a study that are not repeated."""
        trials = self.study(name).trials
        repeated = {trial.user_attrs.get("repeats") for trial in trials}
        return [trial.state.name for trial in trials if trial.number not in repeated]

    def count(self, name: str) -> int:
        """The trials of a study that learned, to the end or until they were pruned."""
        return sum(state in ("COMPLETE", "PRUNED") for state in self.states(name))

    def owners(self, name: str) -> set[str]:
        """The machines that have tried trials of a study; none while it is not there."""
        with contextlib.suppress(KeyError):
            return {
                trial.user_attrs["owner"]["host"] for trial in self.study(name).trials if "owner" in trial.user_attrs
            }
        return set()

    def workers(self) -> list[psutil.Process]:
        """The commands that run on the machines for somebody else."""
        return [process for machine in self.cluster.machines for process in machine.processes("mnist_mlflow join")]

    @property
    def client(self) -> mlflow.MlflowClient:
        return mlflow.MlflowClient(self.variables["MLFLOW_TRACKING_URI"])

    def runs(self, condition: str) -> list[Run]:
        experiment = self.client.get_experiment_by_name("cluster")
        assert experiment
        return list(self.client.search_runs([experiment.experiment_id], condition))


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    skip_without_postgresql()
    folder = tmp_path_factory.mktemp("cluster")
    with (
        network() as bridge,
        postgresql(bridge.address) as database,
        cluster(bridge, folder) as machines,
    ):
        server = TeamServer(database, folder, TEAM_LISTEN="0.0.0.0", TEAM_HOSTS=f"{bridge.address}:*")
        server.start()
        try:
            storage = RDBStorage(server.studies, {"pool_pre_ping": True})  # the database is restarted
            yield Place(bridge, machines, server, storage, folder)
            storage.engine.dispose()
        finally:
            server.kill()


@pytest.fixture
def place(started: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The machines, all of them up."""
    started.cluster.start()
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, started.variables[name])
    return started
