"""A search that is killed with -9 wherever that could do harm, and continued each time."""

import sqlite3
from pathlib import Path

import mlflow
import pytest

from mnist_mlflow.search.records import TrialRecord, counted_trials
from tests.conftest import ROOT, python
from tests.searches import records_of

pytestmark = pytest.mark.faults

TRIALS = 14

# The call after which the process is killed, and which of the calls.
POINTS = [
    ("PatientStorage.begin_trial", 2),  # begun, and nothing suggested
    ("optuna.Study.add_trials", 1),  # repeated, and not asked
    ("optuna.Study.ask", 1),  # asked, and not claimed
    *[("runner.tuning_metrics", 1)] * 3,  # under way, with the same hyperparameters
    ("optuna.Trial.set_user_attr", 2),  # the outcome known, and not written
    ("optuna.Study.tell", 2),  # told, and not written into the tracking store
    ("mlflow.MlflowClient.create_run", 2),  # half written there
    ("mlflow.MlflowClient.set_terminated", 2),  # written; the run of the search that was killed is still open
]
KILLS = len(POINTS)  # at random moments kills tests/soak

# Each search is forked from a process that has imported everything: imports would take most of the time.
CODE = """
import os, signal
import alembic.command, alembic.context, cv2, git, pandas.io.formats.csvs, pygments.lexers, sqlalchemy.dialects.sqlite
import mlflow, mlflow.genai, mlflow.models, mlflow.pyfunc, mlflow.store.tracking.sqlalchemy_store
import optuna, optuna.storages, sklearn.datasets, sklearn.linear_model, sklearn.metrics
from mnist_mlflow.search import runner
from mnist_mlflow.search.storage import PatientStorage
from mnist_mlflow.jobs import recording
from mnist_mlflow.jobs import search as searching
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.protocol import DataOptions, SearchOptions
from mnist_mlflow.jobs.train import train
from mnist_mlflow.types import silent

recording.pictures, searching.draw = (lambda *_: {{}}), (lambda *_: None)
task = Task("logistic", {{"features": "pixels", "max_iter": 20}},
            DataOptions("digits", train_size=100, trials={trials}), SearchOptions(study="mine"))

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def kill_after(point, call):
    path, name = point.rsplit(".", 1)
    place = eval(path)
    real, calls = getattr(place, name), []
    def killing(*arguments, **options):
        done = real(*arguments, **options)
        calls.append(None)
        if len(calls) == call:
            kill()
        return done
    setattr(place, name, killing)

def search(prepare):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        prepare()
        train(task, silent)
        os._exit(0)
    except BaseException as error:
        print(repr(error), flush=True)
        os._exit(1)

for point in {points}:
    print(*point, search(lambda: kill_after(*point)))
print("last", search(lambda: None))
"""


@pytest.fixture
def killed(store: mlflow.MlflowClient) -> mlflow.MlflowClient:
    """The store after all kills and a last search that was let go on to its end."""
    code = CODE.format(trials=TRIALS, points=POINTS)
    printed = python(code, ROOT, MLFLOW_TRACKING_URI=mlflow.get_tracking_uri())
    *kills, last = printed.splitlines()
    assert [line.split()[-1] for line in kills] == ["-9"] * KILLS, printed
    assert last == "last 0"
    return store


def test_a_search_that_is_killed_again_and_again_loses_only_what_was_under_way(
    killed: mlflow.MlflowClient, tmp_path: Path
) -> None:
    records = records_of("mine")
    runs = killed.search_runs(["0"], max_results=10_000)
    assert len(counted_trials(records)) == TRIALS
    assert all(record.has_ended for record in records)
    assert "RUNNING" not in {run.info.status for run in runs}
    _assert_lost_trials_are_repeated(records)

    children = {run.info.run_name: run for run in runs if run.data.tags["role"] == "trial"}
    assert sorted(children) == [f"trial-{record.number:03d}" for record in records]
    assert len(runs) - len(children) <= KILLS + 1
    for record in records:
        child = children[f"trial-{record.number:03d}"]
        assert child.info.status == ("FAILED" if record.state == "fail" else "FINISHED")
        assert child.data.tags["trial_state"] == record.state

    parents = [run.info.status for run in runs if run.data.tags["role"] == "model"]
    assert parents.count("FINISHED") == 1
    assert set(parents) == {"FINISHED", "FAILED"}
    with sqlite3.connect(tmp_path / "optuna.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _assert_lost_trials_are_repeated(records: list[TrialRecord]) -> None:
    lost = [record for record in records if record.failure]
    assert {record.failure for record in lost} == {"its process was killed"}
    assert 5 <= len(lost) <= KILLS
    repetitions = [record for record in records if record.repeats is not None]
    repeats = {record.repeats: record for record in repetitions}
    assert len(repeats) == len(repetitions)
    given_up = [record for record in lost if record.counts]
    assert len(given_up) == 1  # killed three times, and let alone then
    for record in lost:
        if record not in given_up:
            assert record.params.items() <= repeats[record.number].params.items()
