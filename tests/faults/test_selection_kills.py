"""Selections that are killed in the middle of changing the registry, and two at once."""

from pathlib import Path
from typing import Any, TypeAlias

import mlflow
import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.tracking.aliases import CHAMPION, UNFINISHED
from mnist_mlflow.tracking.registry import Registry
from tests.conftest import ROOT, Trained, python, train_into_copy

Client: TypeAlias = mlflow.MlflowClient
pytestmark = pytest.mark.faults
STEPS = (0, 3, 8)  # of the changes of the registry, from the card to the first test figures

# Each selection is forked from a process that has imported everything: to start Python would take most of the time.
FORKS = """
import os, signal
import cv2, matplotlib.figure, mlflow, pandas, onnxruntime, scipy.stats, tabulate
import sklearn.decomposition, sklearn.ensemble, sklearn.metrics, sklearn.model_selection, sklearn.neighbors
from mnist_mlflow.jobs.select import Params, run
from mnist_mlflow.tracking.aliases import CHAMPION
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.store import connect
from mnist_mlflow.types import silent

def fork(algorithms, step=None):
    child = os.fork()
    if not child:
        if step is not None:
            kill_at(step)
        try:
            run(Params(data="digits", algorithms=algorithms), silent)
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    return child

def exit_code_of(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""

KILLS = """
CHANGING = ["set_registered_model_tag", "set_registered_model_alias", "set_model_version_tag", "update_model_version",
            "delete_registered_model_tag", "delete_registered_model_alias"]

def kill_at(step):
    done = iter(range(step))
    def killing(change):
        def changed(*arguments, **named):
            if next(done, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return change(*arguments, **named)
        return changed
    for name in CHANGING:
        setattr(mlflow.MlflowClient, name, killing(getattr(mlflow.MlflowClient, name)))

def exit_code_of_selection(step, algorithms):
    return exit_code_of(fork(algorithms, step))

def show_state(step, exit_code):
    print("state", step, exit_code, Registry(connect()).aliases(), flush=True)

assert exit_code_of_selection(None, "forest") == 0
show_state(-1, 0)
for step in {steps}:
    show_state(step, exit_code_of_selection(step, "all"))
print("last", exit_code_of_selection(None, "all"))
show_state("end", 0)
"""


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A poor and a good model."""
    small = DataOptions("digits", train_size=100)
    poor = Task("forest", {"n_estimators": 1}, small)
    return train_into_copy(new_store, tmp_path_factory.mktemp("trained"), poor, Task("knn", {}, small))


def test_a_selection_killed_at_a_change_leaves_a_champion_and_the_next_repairs(
    trained_store: Client, outcomes: list[RunResult]
) -> None:
    printed = python(FORKS + KILLS.format(steps=STEPS), ROOT, MLFLOW_TRACKING_URI=mlflow.get_tracking_uri())
    states = [line for line in printed.splitlines() if line.startswith("state")]
    assert len(states) == len(STEPS) + 2
    assert not [line for line in states if "'champion': None" in line]
    assert {line.split()[2] for line in states[1:-1]} == {"-9"}, printed  # each was killed
    assert "last 0" in printed
    registry = Registry(trained_store)
    champion: Any = registry.version(CHAMPION)
    assert champion.run_id == outcomes[1].run_id
    assert champion.tags["algorithm"] == "knn"
    assert "test_accuracy" in champion.tags
    assert "## Load it" in champion.description
    assert UNFINISHED not in trained_store.get_registered_model(registry.name).tags
    previous: Any = registry.version("previous")
    assert previous.run_id == outcomes[0].run_id
    runs = trained_store.search_runs(["0"], "tags.role = 'selection'")
    assert "RUNNING" not in {run.info.status for run in runs}


AT_ONCE = """
print(*[exit_code_of(child) for child in [fork("forest"), fork("all")]])
"""


def test_two_at_once_leave_one_champion_and_the_better_one(trained_store: Client, outcomes: list[RunResult]) -> None:
    assert python(FORKS + AT_ONCE, ROOT, MLFLOW_TRACKING_URI=mlflow.get_tracking_uri()) == "0 0\n"
    registry = Registry(trained_store)
    champion: Any = registry.version(CHAMPION)
    aliases = registry.aliases()
    assert champion.run_id == outcomes[1].run_id
    assert {"run_id", "algorithm", "selection_run_id", "val_accuracy"} <= champion.tags.keys()
    assert [alias for alias, version in aliases.items() if version == aliases[CHAMPION]] == [CHAMPION]
    assert len(trained_store.search_model_versions(f"name = '{registry.name}'")) == 2
