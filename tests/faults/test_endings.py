"""Signals to trainings and to the command that launches them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import mlflow
import pytest

from mnist_mlflow.data import load_dataset
from mnist_mlflow.jobs import train
from mnist_mlflow.processes import is_gone
from mnist_mlflow.tracking.candidates import Candidates, Query
from mnist_mlflow.tracking.lifecycle import open_run
from tests.conftest import ROOT

Client: TypeAlias = mlflow.MlflowClient
Command: TypeAlias = Callable[..., tuple[int, str, str]]
pytestmark = pytest.mark.faults

ASKED = "tags.partial = '1'"
INTERRUPTIONS = [(signal.SIGTERM, 143, "interrupted by SIGTERM"), (signal.SIGINT, 130, "interrupted by Ctrl-C")]


@pytest.mark.parametrize(("number", "status", "reason"), INTERRUPTIONS)
def test_an_interrupted_network_logs_its_best_weights_which_nothing_selects(
    store: Client, command: Command, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, status: int, reason: str
) -> None:
    epochs: list[Any] = []

    def send_after_three(self: train.CurveRecorder, *arguments: Any) -> None:
        epochs.append(arguments)
        if len(epochs) == 3:
            signal.raise_signal(number)

    monkeypatch.setattr(train.CurveRecorder, "on_epoch", send_after_three)
    options = ("--data=digits", "--train_size=200", "--epochs=500", "--patience=500")
    ended, _, errors = command("mlp", *options)
    assert ended == status, errors
    assert "Traceback" not in errors
    (run,) = store.search_runs(["0"])
    assert run.info.status == "KILLED"
    assert run.data.tags.items() >= {"failure": reason, "partial": "1"}.items()
    assert 0.2 < run.data.metrics["val_accuracy"] <= 1
    (output,) = run.outputs.model_outputs
    assert store.get_logged_model(output.model_id).tags["partial"] == "1"
    dataset = load_dataset("digits", 0, 200)
    answers = mlflow.pyfunc.load_model(f"models:/{output.model_id}").predict(dataset.validation.images)
    accuracy = (answers["digit"] == dataset.validation.labels).mean()
    assert accuracy == pytest.approx(run.data.metrics["val_accuracy"])
    images = dataset.digest, dataset.split_digest
    assert [candidate.run_id for candidate in Candidates(store, Query(*images, where=ASKED))] == [run.info.run_id]
    store.set_terminated(run.info.run_id, "FINISHED")
    assert not list(Candidates(store, Query(*images)))
    assert not (ROOT / "unsent" / run.info.run_id).exists()


def wait_for(condition: Any, process: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + 120
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.1)


def searching(store: Client) -> set[str]:
    """The runs that have tried something."""
    return {run.data.tags["mlflow.parentRunId"] for run in store.search_runs(["0"], "tags.role = 'trial'")}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_ends_ends_the_processes_that_it_launched(store: Client, number: signal.Signals) -> None:
    options = ["--algorithms=knn,logistic", "--data=digits", "--train_size=200", "--trials=5000", "--workers=2"]
    command, environment = [sys.executable, "-m", "mnist_mlflow", "main"], {"MLFLOW_EXPERIMENT_NAME": "Default"}
    process = subprocess.Popen(
        [*command, *options], stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    try:
        wait_for(lambda: len(searching(store)) == 2, process)
        launched = store.search_runs(["0"], "tags.role = 'model'")
        process.send_signal(number)
        process.communicate(timeout=120)
    finally:
        process.kill()  # what it launched ends with it
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    end = time.monotonic() + 60
    while not all(is_gone(json.loads(run.data.tags["owner"])) for run in launched):
        assert time.monotonic() < end
        time.sleep(0.1)
    if number == signal.SIGKILL:
        with open_run("the next command", {}):
            pass
    assert {store.get_run(run.info.run_id).info.status for run in launched} == {"KILLED"}
    (main,) = store.search_runs(["0"], "tags.role = 'selection'")
    assert main.info.status == ("FAILED" if number == signal.SIGKILL else "KILLED")
    assert "RUNNING" not in {run.info.status for run in store.search_runs(["0"])}
