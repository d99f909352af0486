"""Trials that searches left unwritten, and the search that writes them."""

import contextlib
import json
import sqlite3
from typing import Any, TypeAlias

import mlflow
import pytest

from mnist_mlflow.jobs.train import train
from mnist_mlflow.processes import this_process
from mnist_mlflow.search.records import counted_trials
from mnist_mlflow.tracking.store import studies_uri
from mnist_mlflow.types import silent
from tests.searches import queue_of, records_of, task, trials_of

Client: TypeAlias = mlflow.MlflowClient


def test_what_a_killed_search_left_open_is_closed_when_the_study_goes_on(store: Client) -> None:
    train(task(2, study="mine"), silent)
    gone = {**this_process(), "pid": 2**22 + 1}
    tags = {"study": "mine", "owner": json.dumps(gone), "role": "model", "algorithm": "knn"}
    killed = store.create_run("0", tags=tags).info.run_id
    living = store.create_run("0", tags={**tags, "owner": json.dumps(this_process())}).info.run_id
    half_written = {"mlflow.parentRunId": killed, "role": "trial", "failure": "its process was killed"}
    child = store.create_run("0", tags=half_written, run_name="trial-002").info.run_id
    study = queue_of("mine").study
    study.enqueue_trial({}, user_attrs={"owner": gone, "run": killed})
    study.ask().suggest_int("n_neighbors", 1, 20)

    last = train(task(4, study="mine"), silent)
    assert store.get_run(killed).info.status == "FAILED"
    assert last.run_id in store.get_run(killed).data.tags["failure"]
    assert store.get_run(living).info.status == "RUNNING"
    assert list(trials_of(store, killed)) == ["trial-002"]
    assert store.get_run(child).info.status == "FAILED"
    assert "n_neighbors" in store.get_run(child).data.params
    assert len(counted_trials(records_of("mine"))) == 4


def test_a_killed_search_of_another_study_is_closed_by_the_next_search(store: Client) -> None:
    gone = json.dumps({**this_process(), "pid": 2**22 + 1})
    tags = {"role": "model", "algorithm": "svm"}
    killed = store.create_run("0", tags={**tags, "owner": gone, "study": "svm-12345678"}).info.run_id
    living = store.create_run("0", tags={**tags, "owner": json.dumps(this_process())}).info.run_id
    train(task(1), silent)
    assert store.get_run(killed).info.status == "FAILED"
    assert store.get_run(killed).data.tags["failure"] == "its process was killed"
    assert store.get_run(living).info.status == "RUNNING"


def test_the_last_trials_are_tried_here_when_the_machine_that_tried_them_has_fallen_silent(store: Client) -> None:
    train(task(1, study="mine"), silent)
    study = queue_of("mine").study
    elsewhere = {**this_process(), "host": "elsewhere"}
    study.enqueue_trial({"n_neighbors": 3}, user_attrs={"owner": elsewhere, "run": "theirs"})
    silenced = study.ask()
    silenced.suggest_int("n_neighbors", 1, 20)
    study._storage.record_heartbeat(silenced._trial_id)
    database = studies_uri().removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE trial_heartbeats SET heartbeat = datetime('now', '-1 hour')")
    train(task(2, study="mine"), silent)
    trials = queue_of("mine").study.trials
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert trials[2].params["n_neighbors"] == 3


def test_the_runs_of_a_search_that_were_deleted_stay_deleted(store: Client) -> None:
    first = train(task(2, study="mine"), silent)
    for run in (*trials_of(store, first.run_id).values(), store.get_run(first.run_id)):
        store.delete_run(run.info.run_id)
    train(task(3, study="mine"), silent)
    assert trials_of(store, first.run_id) == {}


def test_a_run_that_an_interruption_left_half_written_is_written_to_its_end(
    store: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[Any, ...]] = []
    real = mlflow.MlflowClient.create_run

    def interrupted(self: Client, *arguments: Any, **options: Any) -> Any:
        created = real(self, *arguments, **options)
        if "trial-001" in arguments and not calls:
            calls.append(arguments)
            raise KeyboardInterrupt
        return created

    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, "create_run", interrupted)
        outcome = train(task(4), silent)
    trials = trials_of(store, outcome.run_id)
    assert list(trials) == ["trial-000", "trial-001"]
    assert {run.info.status for run in trials.values()} == {"FINISHED"}
    assert len(store.search_runs(["0"], "tags.role = 'trial'")) == 2


def test_what_a_search_that_has_ended_left_unwritten_is_written_when_the_study_goes_on(store: Client) -> None:
    """`mlflow run`, and `main`, close the run of a process that was killed, but not the runs of its trials."""
    first = train(task(3, study="mine"), silent)
    trials = trials_of(store, first.run_id)
    for name in ("trial-001", "trial-002"):
        store.delete_run(trials[name].info.run_id)
    tags = {"mlflow.parentRunId": first.run_id, "role": "trial"}
    store.create_run("0", tags=tags, run_name="trial-002")
    train(task(3, study="mine"), silent)
    completed_trials = trials_of(store, first.run_id)
    assert sorted(completed_trials) == ["trial-000", "trial-001", "trial-002"]
    assert {run.info.status for run in completed_trials.values()} == {"FINISHED"}
    assert all("tuning_log_loss" in run.data.metrics for run in completed_trials.values())
