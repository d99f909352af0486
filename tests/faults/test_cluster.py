"""Searches, seeds and algorithms on a Ray cluster of three machines, which die in the midst of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import optuna
import psutil
import pytest

from benchmarks.measure.postgresql import postgresql
from tests.cluster import Cluster, Machine, Network, cluster, network, wait_for, why_not
from tests.team_server import SECRETS, TeamServer, skip_without_postgresql

pytestmark = [pytest.mark.timeout(300), pytest.mark.skipif(bool(why_not()), reason=f"no machines here: {why_not()}")]

END = 100  # seconds until a command has to end
SMALL = ("--data=digits", "--train_size=200")


@dataclass
class Place:
    """Three machines with Ray on them, and the server of a team that they reach."""

    network: Network
    cluster: Cluster
    server: TeamServer
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

    def type(self, machine: Machine, *arguments: str) -> subprocess.Popen[str]:
        """Type a command of the program on a machine."""
        words = [sys.executable, "-m", "mnist_mlflow", *arguments]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return machine.popen(*words, variables=self.variables, **options)


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
            yield Place(bridge, machines, server, folder)
        finally:
            server.kill()


@pytest.fixture
def place(started: Place) -> Place:
    """The machines, all of them up."""
    started.cluster.start()
    return started


def test_search(place: Place) -> None:
    process = place.type(place.cluster.machines[1], "knn", *SMALL, "--trials=12", f"--cluster={place.cluster.address}")
    out, _ = process.communicate(timeout=END)
    print(out)
    assert process.returncode == 0
