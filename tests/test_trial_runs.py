"""What searches that are gone have left unwritten, and who writes it."""

import json

import mlflow
import pytest

from mnist_mlflow import searching
from mnist_mlflow.processes import this_process
from mnist_mlflow.search.study import settled
from mnist_mlflow.training import train
from mnist_mlflow.types import silent
from tests.searches import study_of, task, trials_of

Client = mlflow.MlflowClient


@pytest.fixture(autouse=True)
def nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures take longer than these searches."""
    monkeypatch.setattr(searching, "draw", lambda *arguments: None)
    monkeypatch.setattr("mnist_mlflow.recording.pictures", lambda *arguments: {})


def test_what_a_killed_search_left_open_is_closed_when_the_study_goes_on(store: Client) -> None:
    train(task(2, study="mine"), silent)
    gone = {**this_process(), "pid": 2**22 + 1}
    tags = {"study": "mine", "owner": json.dumps(gone), "role": "model", "algorithm": "knn"}
    killed = store.create_run("0", tags=tags).info.run_id
    living = store.create_run("0", tags={**tags, "owner": json.dumps(this_process())}).info.run_id
    half_written = {"mlflow.parentRunId": killed, "role": "trial", "failure": "its process was killed"}
    child = store.create_run("0", tags=half_written, run_name="trial-002").info.run_id
    study = study_of("mine")
    study.enqueue_trial({}, user_attrs={"owner": gone, "run": killed})
    study.ask().suggest_int("n_neighbors", 1, 20)

    last = train(task(4, study="mine"), silent)
    assert store.get_run(killed).info.status == "FAILED"
    assert last.run_id in store.get_run(killed).data.tags["failure"]
    assert store.get_run(living).info.status == "RUNNING"
    assert list(trials_of(store, killed)) == ["trial-002"]
    assert store.get_run(child).info.status == "FAILED"
    assert "n_neighbors" in store.get_run(child).data.params
    assert len(settled(study_of("mine").trials)) == 4


def test_what_a_search_that_has_ended_left_unwritten_is_written_when_the_study_goes_on(store: Client) -> None:
    """`mlflow run`, and `main`, close the run of a process that was killed, but not the runs of its trials."""
    first = train(task(3, study="mine"), silent)
    trials = trials_of(store, first.run_id)
    for name in ("trial-001", "trial-002"):
        store.delete_run(trials[name].info.run_id)
    tags = {"mlflow.parentRunId": first.run_id, "role": "trial"}
    store.create_run("0", tags=tags, run_name="trial-002")
    train(task(3, study="mine"), silent)
    again = trials_of(store, first.run_id)
    assert sorted(again) == ["trial-000", "trial-001", "trial-002"]
    assert {run.info.status for run in again.values()} == {"FINISHED"}
    assert all("tuning_log_loss" in run.data.metrics for run in again.values())
