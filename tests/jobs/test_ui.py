"""The command that opens the MLflow UI: what it says, and what it becomes."""

import json
import os
import subprocess
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import mlflow
import pytest

from mnist_mlflow.jobs import ui
from mnist_mlflow.jobs.serving.server import listen
from mnist_mlflow.tracking import views
from mnist_mlflow.tracking.store import store_address
from tests.servers import FakeServer, serving

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def become(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the process has become: program, words and variables of each."""
    became = list[Any]()
    monkeypatch.setattr(os, "execve", lambda *arguments: became.append(arguments))
    return became


def test_it_says_where_the_models_are_and_becomes_the_ui_with_few_processes(
    store: mlflow.MlflowClient, command: Command, become: list[Any]
) -> None:
    views.describe(store, store.get_experiment("0"))
    store.create_experiment("somebody else's")
    status, output, _ = command("ui", "--port=5017")
    assert (status, output) == (0, f"Default: http://127.0.0.1:5017/{views.MODELS.path('0')}\n")
    ((_, words, variables),) = become
    assert words[1:] == ["-m", "mlflow", "ui"]
    assert variables["MLFLOW_BACKEND_STORE_URI"] == store_address()
    assert (variables["MLFLOW_PORT"], variables["MLFLOW_WORKERS"]) == ("5017", "1")
    assert variables["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"


def test_an_experiment_with_runs_of_before_there_were_views_is_described(
    store: mlflow.MlflowClient, command: Command, become: list[Any]
) -> None:
    store.create_run("0", tags={"role": "model"})
    store.create_run(store.create_experiment("somebody else's"))
    assert command("ui")[1] == f"Default: http://127.0.0.1:5000/{views.MODELS.path('0')}\n"
    assert store.get_experiment("0").tags["mlflow.note.content"] == views.description("0")


def test_on_windows_it_waits_for_the_ui(
    store: mlflow.MlflowClient, command: Command, become: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(words: list[str], env: dict[str, str]) -> int:
        become.append((words, env["MLFLOW_PORT"]))
        return 3

    with monkeypatch.context() as patch:
        patch.setattr(ui, "os", SimpleNamespace(name="nt"))
        patch.setattr(subprocess, "call", call)
        assert command("ui", "--port=5017")[0] == 3
    ((words, port),) = become
    assert (words[1:], port) == (["-m", "mlflow", "ui"], "5017")


def test_a_store_without_runs_says_how_to_make_some(
    store: mlflow.MlflowClient, command: Command, become: list[Any]
) -> None:
    assert "There are no runs yet. Train some: " in command("ui")[1]
    assert become


def test_a_port_that_is_taken_is_one_line(store: mlflow.MlflowClient, command: Command, become: list[Any]) -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        status, _, errors = command("ui", f"--port={port}")
    assert status == 2
    assert errors.endswith(
        f"listens there. End it, or take another port: python -m mnist_mlflow ui --port {port + 1}\n"
    )
    assert not become


def test_a_server_has_its_ui_already(command: Command, become: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = {"experiment_id": "7", "name": "ada", "tags": [{"key": views.MODELS.tag, "value": "{}"}]}
    answers = {"/api/2.0/mlflow/experiments/search": (200, json.dumps({"experiments": [experiment]}))}
    with serving(FakeServer(answers)) as uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        status, output, _ = command("ui")
    mlflow.set_tracking_uri(None)
    assert (status, output) == (0, f"ada: {uri}/{views.MODELS.path('7')}\n")
    assert not become
