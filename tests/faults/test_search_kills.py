"""A search that is killed with -9 at random moments, twenty times, and taken up again each time."""

import random
import sqlite3
from pathlib import Path

import mlflow
import pytest
from optuna.trial import TrialState

from mnist_mlflow.search.storage import Plan, open_study
from mnist_mlflow.search.study import ENDED, failure, settled
from tests.conftest import ROOT, python

KILLS, TRIALS = 20, 150

# Each search is forked from a process that has imported everything: to start Python would take most of the time.
CODE = """
import contextlib, json, os, random, signal, sqlite3, sys, time
import mlflow, optuna, sklearn.linear_model, sklearn.metrics, skops.io, cv2, plotly
from mnist_mlflow.jobs import recording
from mnist_mlflow.jobs import search as searching
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.protocol import DataOptions, SearchOptions
from mnist_mlflow.jobs.train import train
from mnist_mlflow.types import silent

recording.pictures, searching.draw = (lambda *_: {{}}), (lambda *_: None)
searching.MOST_TRIALS = {trials}  # in this process
task = Task("logistic", {{"features": "pixels", "max_iter": 20}},
            DataOptions("digits", train_size=100, trials={trials}), SearchOptions(study="mine"))

def search():
    child = os.fork()
    if child:
        return child
    try:
        train(task, silent)
        os._exit(0)
    except BaseException as error:
        print(repr(error), flush=True)
        os._exit(1)

def begun():
    with contextlib.closing(sqlite3.connect({database!r})) as database, contextlib.suppress(sqlite3.OperationalError):
        return database.execute("SELECT count(*) FROM trials").fetchone()[0]
    return 0

for kill, seconds in enumerate({moments}):
    before, late = begun(), time.time() + 20
    child = search()
    time.sleep(seconds)
    while kill % 4 == 0 and begun() <= before and time.time() < late:  # a slow machine is still opening the store
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
print("last", os.waitstatus_to_exitcode(os.waitpid(search(), 0)[1]))
"""


@pytest.fixture
def killed(store: mlflow.MlflowClient, tmp_path: Path) -> mlflow.MlflowClient:
    """The store after all kills and a last search that was let go on to its end."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown when the test fails
    moments = [random.Random(seed + kill).uniform(0.2, 1.6) for kill in range(KILLS)]
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    printed = python(
        CODE.format(trials=TRIALS, moments=moments, database=f"{tmp_path}/optuna.db"), ROOT, MLFLOW_TRACKING_URI=uri
    )
    assert printed.splitlines()[-1] == "last 0", printed
    return store


def test_a_search_that_is_killed_again_and_again_loses_only_what_was_under_way(
    killed: mlflow.MlflowClient, tmp_path: Path
) -> None:
    trials = open_study(Plan(f"sqlite:///{tmp_path}/optuna.db", "mine", "log_loss", 0, {})).trials
    runs = killed.search_runs(["0"], max_results=10_000)
    assert len(settled(trials)) == TRIALS
    assert {trial.state for trial in trials} <= set(ENDED)
    assert "RUNNING" not in {run.info.status for run in runs}

    lost = [trial for trial in trials if failure(trial)]
    assert 1 <= len(lost) <= KILLS
    assert {failure(trial) for trial in lost} == {"its process was killed"}
    repeats = {trial.user_attrs["repeats"]: trial for trial in trials if "repeats" in trial.user_attrs}
    assert len(repeats) == sum("repeats" in trial.user_attrs for trial in trials)
    for trial in lost:
        if trial in settled(trials):  # killed three times, and let alone then
            assert "repeats" in trial.user_attrs
        else:
            assert trial.params.items() <= repeats[trial.number].params.items()

    children = {run.info.run_name: run for run in runs if run.data.tags["role"] == "trial"}
    assert sorted(children) == [f"trial-{trial.number:03d}" for trial in trials]
    assert len(runs) - len(children) <= KILLS + 1
    for trial in trials:
        child = children[f"trial-{trial.number:03d}"]
        assert child.info.status == ("FAILED" if trial.state == TrialState.FAIL else "FINISHED")
        assert child.data.tags["trial_state"] == trial.state.name.lower()

    parents = [run.info.status for run in runs if run.data.tags["role"] == "model"]
    assert parents.count("FINISHED") == 1
    assert set(parents) == {"FINISHED", "FAILED"}
    with sqlite3.connect(tmp_path / "optuna.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
