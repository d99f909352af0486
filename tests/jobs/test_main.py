import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, TypeAlias

import mlflow
import pytest

from mnist_mlflow.data import mnist
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.jobs.main import Budget, SomeFailed, run_all
from mnist_mlflow.protocol import DataOptions, SearchOptions
from mnist_mlflow.types import silent
from tests.conftest import ROOT

Client: TypeAlias = mlflow.MlflowClient


def algorithm_runs(client: Client) -> dict[str, Any]:
    return {run.info.run_name: run for run in client.search_runs(["0"], "tags.role = 'model'")}


def test_trains_each_in_a_run_of_its_own_then_selects(store: Client) -> None:
    selection = run_all(["knn", "logistic"], DataOptions("digits", train_size=200), SearchOptions(), silent)
    (main,) = store.search_runs(["0"], "tags.role = 'selection'")
    runs = algorithm_runs(store)
    assert set(runs) == {"knn", "logistic"}
    for name, run in runs.items():
        assert run.info.status == "FINISHED"
        assert run.data.tags["main_run"] == main.info.run_id
        assert "mlflow.parentRunId" not in run.data.tags
        assert run.data.tags["mlflow.project.entryPoint"] == name
        assert run.data.params["train_size"] == "200"
    assert len(selection.table) == 2
    assert main.info.status == "FINISHED"
    assert main.data.params["algorithms"] == "knn,logistic"


KILLS_KNN = """
import os, sys
if "knn" in sys.orig_argv:
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def knn_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every process that is to train kNN dies at its start, as it would for want of memory."""
    (tmp_path / "sitecustomize.py").write_text(KILLS_KNN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.usefixtures("knn_is_killed")
def test_a_failure_does_not_stop_the_others(store: Client) -> None:
    with pytest.raises(
        SomeFailed, match=r"output above: knn\. .* local -P algorithms=knn -P data=digits -P train_size=100"
    ) as caught:
        run_all(["knn", "logistic"], DataOptions("digits", train_size=100), SearchOptions(), silent)
    assert list(caught.value.selection.table["algorithm"]) == ["logistic"]
    runs = {run.info.run_name: run for run in store.search_runs(["0"])}
    assert {name: run.info.status for name, run in runs.items()} == {
        "knn": "FAILED",
        "logistic": "FINISHED",
        "main": "FAILED",
    }
    assert runs["knn"].data.tags["failure"] == "its process ended without a word"
    assert "knn" in runs["main"].data.tags["failure"]


@pytest.mark.usefixtures("knn_is_killed")
def test_nothing_is_selected_when_all_fail(store: Client) -> None:
    with pytest.raises(UserFacingError, match="Every algorithm failed"):
        run_all(["knn"], DataOptions("digits", train_size=100), SearchOptions(), silent)


def test_when_main_is_stopped_no_run_goes_on(store: Client) -> None:
    options = ["main", "--algorithms=mlp", "--data=digits"]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": mlflow.get_tracking_uri()}
    process = subprocess.Popen([sys.executable, "-m", "mnist_mlflow", *options], cwd=ROOT, env=environment)
    deadline = time.monotonic() + 60
    while not algorithm_runs(store) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert {run.info.run_name: run.info.status for run in store.search_runs(["0"])} == {
        "main": "KILLED",
        "mlp": "KILLED",
    }


def test_the_fallback_is_told_to_every_run(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "MIRRORS", ())
    run_all(["logistic"], DataOptions("auto", train_size=100), SearchOptions(), silent)
    for run in store.search_runs(["0"]):
        assert run.data.tags["dataset"] == "digits"
        assert "could not be downloaded" in run.data.tags["dataset_fallback"]


def test_every_algorithm_searches_in_a_study_of_its_own_with_what_was_asked_for(store: Client) -> None:
    search = SearchOptions(study="mine", timeout=100.0, objective="accuracy")
    run_all(["knn", "logistic"], DataOptions("digits", train_size=100, trials=1), search, silent)
    runs = algorithm_runs(store)
    assert {name: run.data.tags["study"] for name, run in runs.items()} == {
        "knn": "mine-knn",
        "logistic": "mine-logistic",
    }
    for run in runs.values():
        assert {"trials": "1", "objective": "accuracy"}.items() <= run.data.params.items()
        assert 40 < float(run.data.params["timeout"]) < 100
    assert float(runs["knn"].data.params["timeout"]) < float(runs["logistic"].data.params["timeout"])


def test_the_time_is_shared_and_what_one_does_not_need_the_others_have(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 10.0, 90.0, 200.0])
    monkeypatch.setattr("mnist_mlflow.jobs.main.time.monotonic", lambda: next(clock))
    budget = Budget(100.0, 4)
    shares = [budget.share(SearchOptions()).timeout for _ in range(4)]
    assert shares == [25.0, 30.0, 5.0, 1.0]


def test_without_a_timeout_there_is_nothing_to_share() -> None:
    assert Budget(0.0, 2).share(SearchOptions(workers=3)) == SearchOptions(workers=3)
