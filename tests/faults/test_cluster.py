"""Searches, seeds and algorithms on a Ray cluster of three machines, which die in the midst of it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
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

from benchmarks.measure.postgresql import postgresql, stopped
from tests.cluster import Cluster, Machine, Network, cluster, network, wait_for, why_not
from tests.team_server import SECRETS, TeamServer, skip_without_postgresql

pytestmark = [pytest.mark.timeout(300), pytest.mark.skipif(bool(why_not()), reason=f"no machines here: {why_not()}")]

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


def ended(place: Place, name: str) -> list[str]:
    """The states of the trials of a study that are not repeated; fails for one that is still open."""
    trials = place.study(name).trials
    repeated = {trial.user_attrs.get("repeats") for trial in trials}
    return [trial.state.name for trial in trials if trial.number not in repeated]


def test_a_search_on_all_machines_survives_the_death_of_a_worker_and_a_restart_of_the_database(place: Place) -> None:
    cluster, study = place.cluster, "three"
    arguments = ("knn", *SMALL, "--trials=90", f"--study={study}", f"--cluster={cluster.address}")
    with place.typed(cluster.machines[1], *arguments) as process:
        wait_for(lambda: len(place.owners(study)) == len(cluster.machines))
        cluster.machines[2].processes("ray::run_on_node")[0].kill()
        with stopped(place.server.database):
            pass
        printed, _ = process.communicate(timeout=END)
    assert process.returncode == 0, printed
    assert "Lost on node2: WorkerCrashedError" in printed
    assert ended(place, study).count("COMPLETE") + ended(place, study).count("PRUNED") == 90
    (run,) = place.runs(f"tags.study = '{study}' and tags.role = 'model'")
    assert (run.info.status, run.data.tags["search_ended"]) == ("FINISHED", "complete")
    assert len(place.runs(f"tags.mlflow.parentRunId = '{run.info.run_id}'")) >= 90
    assert not place.workers()
    told = printed.encode() + b"".join(file.read_bytes() for one in cluster.machines for file in one.ray_logs())
    assert b"join" in told
    assert not [secret for secret in SECRETS.values() if secret.encode() in told]


def test_seeds_through_the_client_name_the_seed_whose_machine_died(place: Place) -> None:
    cluster = place.cluster
    arguments = ("mlp", "--data=digits", "--epochs=400", "--seeds=0,1,2", f"--cluster={cluster.client_address}")
    variables = {**os.environ, **place.variables, **cluster.head.variables}
    words = [sys.executable, "-m", "mnist_mlflow", *arguments]
    with subprocess.Popen(words, env=variables, cwd=place.folder, **PRINTED) as process:
        try:
            wait_for(lambda: all(machine.processes("mnist_mlflow mlp") for machine in cluster.machines))
            wait_for(lambda: place.runs("tags.role = 'model' and tags.algorithm = 'mlp'"))
            cluster.machines[2].pull()
            printed, _ = process.communicate(timeout=END)
        finally:
            process.kill()
    assert process.returncode == 1, printed
    (failed,) = place.runs(
        "attributes.status = 'FAILED' and tags.mlflow.parentRunId LIKE '%' and tags.algorithm = 'mlp'"
    )
    assert "1 of 3 seeds failed" in printed
    assert f"-P seed={failed.data.params['seed']}" in printed


def test_main_shows_which_machine_says_what(place: Place) -> None:
    arguments = ("main", *SMALL, "--algorithms=knn,logistic", "--cluster=auto")
    with place.typed(place.cluster.machines[0], *arguments) as process:
        printed, _ = process.communicate(timeout=END)
    assert process.returncode == 0, printed
    for name in ("knn", "logistic"):
        assert re.search(rf"^{name} on node\d: {name} +val_accuracy", printed, re.MULTILINE), printed


def test_a_search_that_is_interrupted_or_killed_leaves_nothing_behind(place: Place) -> None:
    machine, study = place.cluster.machines[1], "broken-off"
    arguments = ("knn", *SMALL, "--trials=5000", f"--study={study}", f"--cluster={place.cluster.address}")
    with place.typed(machine, *arguments) as process:
        wait_for(lambda: len(place.owners(study)) == len(place.cluster.machines))
        machine.processes(f"--study={study} --cluster")[0].send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=END)
        assert process.returncode == 0, printed
        assert f"study={study}" in printed
        assert "RUNNING" not in ended(place, study)
        assert not place.workers()
    with place.typed(machine, *arguments) as process:
        count = len(place.study(study).trials)
        wait_for(lambda: len(place.study(study).trials) > count + 3)
        machine.processes(f"--study={study} --cluster")[0].kill()
        wait_for(lambda: not place.workers())
    done = sum(state in ("COMPLETE", "PRUNED") for state in ended(place, study))
    with place.typed(machine, "knn", *SMALL, f"--trials={done + 1}", f"--study={study}") as process:
        printed, _ = process.communicate(timeout=END)
        assert process.returncode == 0, printed
    assert {run.info.status for run in place.runs(f"tags.study = '{study}'")} <= {"FINISHED", "FAILED"}
    assert sum(state in ("COMPLETE", "PRUNED") for state in ended(place, study)) == done + 1
