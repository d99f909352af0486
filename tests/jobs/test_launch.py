from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import mlflow
import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.jobs.launch import LaunchError, Training, launch_all
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.search.cluster import ClusterLostError
from mnist_mlflow.search.machine import Processes
from mnist_mlflow.search.workers import Shown
from mnist_mlflow.tracking.runs import Run
from tests.slots import Slots

Client: TypeAlias = mlflow.MlflowClient
SMALL = DataOptions("digits", train_size=100)
ENDS_SILENTLY = """
import os, sys
if "knn" in sys.orig_argv and "--n_neighbors=2" in sys.orig_argv:
    os._exit(0)
"""


@pytest.fixture
def parent(store: Client) -> Run:
    run = store.create_run("0", tags={"mlflow.source.git.commit": "0123", "mlflow.runName": "main", "other": "x"})
    return Run(store, run.info.run_id)


def training(key: str, shown: Shown = Shown.NOTHING, **settings: object) -> Training:
    return Training(key, "knn", {"data": "digits", "train_size": 100} | settings, {"main_run": "x"}, shown)


def test_each_has_its_result_or_the_reason_of_its_failure(
    store: Client, parent: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(ENDS_SILENTLY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    three = (
        training("good", n_neighbors=3),
        training("silent", n_neighbors=2),
        training("bad", components=784),
    )
    done: list[int] = []
    outcomes = launch_all(three, parent, Processes(2), done.append)
    assert done == [1, 2, 3]
    result = outcomes["good"]
    assert isinstance(result, RunResult)
    run = store.get_run(result.run_id)
    assert run.outputs.model_outputs[0].model_id == result.model_id
    assert 0.5 < result.metrics["val_accuracy"] <= 1
    assert run.data.tags["main_run"] == "x"
    assert run.data.tags["mlflow.source.git.commit"] == "0123"
    assert "other" not in run.data.tags
    assert Task.from_run(run.data.tags) == Task("knn", {"n_neighbors": 3}, SMALL)
    for key, reason in (("silent", "its process ended without a word"), ("bad", "knn cannot learn with")):
        failure = outcomes[key]
        assert isinstance(failure, LaunchError)
        assert reason in str(failure)
        assert store.get_run(failure.run_id).info.status == "FAILED"


def statuses(store: Client) -> list[str]:
    return [run.info.status for run in store.search_runs(["0"], "tags.main_run = 'x'")]


def test_no_more_run_at_a_time_than_there_are_slots_and_each_is_made_when_its_turn_has_come(
    store: Client, parent: Run
) -> None:
    workers, made = Slots(2), list[int]()

    def trainings() -> Iterator[Training]:
        for number in range(5):
            made.append(len(workers.running))
            yield training(str(number))

    outcomes = launch_all(trainings(), parent, workers)
    assert workers.most == 2
    assert max(made) == 1
    assert all(isinstance(outcome, LaunchError) for outcome in outcomes.values())
    assert statuses(store) == ["FAILED"] * 5


def test_an_interruption_ends_all_and_closes_their_runs(store: Client, parent: Run) -> None:
    workers = Slots(2)
    workers.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        launch_all(map(training, "abcd"), parent, workers)
    assert workers.ended
    assert statuses(store) == ["FAILED"] * 2


def test_where_no_process_can_be_started_no_run_stays_open(store: Client, parent: Run) -> None:
    with pytest.raises(UserFacingError, match="no process can be started"):
        launch_all([training("a"), training("b", n_neighbors=9)], parent, Slots(2))
    assert statuses(store) == ["FAILED"] * 2


def test_where_the_cluster_is_lost_what_remains_is_told(store: Client, parent: Run) -> None:
    workers = Slots(2)
    workers.error = ClusterLostError("The cluster does not answer any more.")
    with pytest.raises(UserFacingError, match=r"not answer any more\. Runs that have ended are kept.*needed=1"):
        launch_all(map(training, "ab"), parent, workers)
    assert statuses(store) == ["FAILED"] * 2
