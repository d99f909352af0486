"""What travels to the nodes of a cluster, and what is refused before anything is begun."""

import json
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest

from mnist_mlflow.algorithms import knn
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import load_dataset
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.jobs.clusters import study_variables
from mnist_mlflow.jobs.train import train
from mnist_mlflow.jobs.versions import STARTER, starter
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.tracking.reach import store_variables
from mnist_mlflow.tracking.store import connect
from mnist_mlflow.types import silent

COMMANDS = {
    "the store is a file": (["knn", "--seeds=0,1"], "is the file", "export MLFLOW_TRACKING_URI=http://HOST:5000"),
    "studies are in a file": (
        ["knn", "--trials=2"],
        "is the file",
        "export OPTUNA_STORAGE=postgresql://USER@HOST/optuna",
    ),
    "main": (["main"], "is the file", "export MLFLOW_TRACKING_URI=http://HOST:5000"),
    "workers too": (["knn", "--trials=2", "--workers=2"], "workers=2 and cluster=auto do not go together", "Leave one"),
    "workers of seeds": (["knn", "--seeds=0,1", "--workers=2"], "do not go together", "Leave one of them out"),
    "workers of main": (["main", "--workers=2"], "do not go together", "Leave one of them out"),
    "nothing to hand out": (["knn"], "cluster says how to search, and nothing is to be searched", "add trials=30"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_cluster_cannot_do_is_refused_before_a_run_is_opened(
    name: str, store: mlflow.MlflowClient, command: Callable[..., tuple[int, str, str]]
) -> None:
    words, reason, remedy = COMMANDS[name]
    status, _, errors = command(*words, "--data=digits", "--cluster=auto")
    assert status == 2
    assert reason in errors
    assert remedy in errors
    assert not connect().search_runs(["0"])


def test_address_and_credentials_travel_and_nothing_that_each_node_has_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = tmp_path / ".mlflow" / "credentials"
    credentials.parent.mkdir()
    credentials.write_text("[mlflow]\nmlflow_tracking_username = ada\nmlflow_tracking_password = secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://team:5000")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "token")
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", "/here/cert.pem")
    monkeypatch.setenv("OPTUNA_STORAGE", "postgresql://optuna@team/optuna")
    mlflow.set_tracking_uri("http://team:5000")
    try:
        variables = store_variables()
    finally:
        mlflow.set_tracking_uri(None)
    retries = variables.pop("MLFLOW_HTTP_REQUEST_MAX_RETRIES", None)  # where the command line set it
    assert retries in (None, "8")
    assert variables == {
        "MLFLOW_TRACKING_URI": "http://team:5000",
        "MLFLOW_TRACKING_USERNAME": "ada",
        "MLFLOW_TRACKING_PASSWORD": "secret",
        "MLFLOW_TRACKING_TOKEN": "token",
    }
    assert study_variables() == {"OPTUNA_STORAGE": "postgresql://optuna@team/optuna"}


def test_studies_beside_the_store_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTUNA_STORAGE", f"sqlite:///{tmp_path}/optuna.db")
    with pytest.raises(UsageError, match=r"optuna\.db"):
        study_variables()


def other_code(here: dict[str, Any]) -> None:
    here["versions"]["code"] = "that of another commit"


def another_library(here: dict[str, Any]) -> None:
    here["versions"][knn.LIBRARY] = "0.1"


def other_images(here: dict[str, Any]) -> None:
    here["digests"]["dataset_digest"] = "0123"


DIFFERENCES: dict[Callable[[dict[str, Any]], None], str] = {
    other_code: "check out its commit, without changes",
    another_library: f'pip install "{knn.LIBRARY}==0.1"',
    other_images: "digits has other images than on the machine that began this",
}


@pytest.mark.parametrize("change", DIFFERENCES)
def test_a_machine_that_differs_from_the_starter_trains_nothing(
    change: Callable[[dict[str, Any]], None], store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = json.loads(starter("knn", load_dataset("digits", 0, 200))[STARTER])
    change(here)
    monkeypatch.setenv(STARTER, json.dumps(here))
    with pytest.raises(UserFacingError, match=re.escape(DIFFERENCES[change])):
        train(Task("knn", {}, DataOptions("digits", train_size=200)), silent)
    (run,) = store.search_runs(["0"])
    assert (run.info.status, socket.gethostname() in run.data.tags["failure"]) == ("FAILED", True)
