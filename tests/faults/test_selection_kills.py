"""Selections that are killed in the middle of changing the registry, and two at once."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.tracking.aliases import CHAMPION, UNFINISHED
from mnist_mlflow.tracking.registry import Registry
from tests.conftest import ROOT, Trained, python, train_into_copy
from tests.selected import connected

pytestmark = pytest.mark.faults
STEPS = (0, 3, 8)  # of the changes of the registry, from the card to the first test figures

# Each selection is forked from a process that has imported everything: to start Python would take most of the time.
FORKS = """
import os, signal
import alembic.command, alembic.context, cv2, git, pandas.io.formats.csvs, onnxruntime, scipy.stats, tabulate
import matplotlib.backends.backend_agg, matplotlib.figure, sqlalchemy.dialects.sqlite
import mlflow.genai, mlflow.models, mlflow.pyfunc, mlflow.store.model_registry.sqlalchemy_store
import mlflow.store.tracking.sqlalchemy_store, mlflow.tracing.provider
import sklearn.decomposition, sklearn.ensemble, sklearn.metrics, sklearn.model_selection, sklearn.neighbors
from mlflow.tracking._model_registry.client import ModelRegistryClient
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

AT_ONCE = """
os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///{store}"
print("at once", *[exit_code_of(child) for child in [fork("forest"), fork("all")]], flush=True)
"""

KILLS = """
os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///{store}"
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
        setattr(ModelRegistryClient, name, killing(getattr(ModelRegistryClient, name)))

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


@dataclass(frozen=True)
class Scenes:
    """What the selections of one process left in two copies of a store, and the lines that it printed."""

    at_once: Path
    killed: Path
    printed: list[str]


@pytest.fixture(scope="module")
def scenes(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Scenes:
    folders = (tmp_path_factory.mktemp(name) for name in ("at_once", "killed"))
    at_once, killed = (Path(shutil.copy(trained.path, folder)) for folder in folders)
    code = FORKS + AT_ONCE.format(store=at_once) + KILLS.format(store=killed, steps=STEPS)
    return Scenes(at_once, killed, python(code, ROOT).splitlines())


def test_a_selection_killed_at_a_change_leaves_a_champion_and_the_next_repairs(
    scenes: Scenes, outcomes: list[RunResult]
) -> None:
    states = [line for line in scenes.printed if line.startswith("state")]
    assert len(states) == len(STEPS) + 2
    assert not [line for line in states if "'champion': None" in line]
    assert {line.split()[2] for line in states[1:-1]} == {"-9"}, scenes.printed  # each was killed
    assert "last 0" in scenes.printed
    with connected(scenes.killed) as client:
        registry = Registry(client)
        champion: Any = registry.version(CHAMPION)
        assert champion.run_id == outcomes[1].run_id
        assert champion.tags["algorithm"] == "knn"
        assert "test_accuracy" in champion.tags
        assert "## Load it" in champion.description
        assert UNFINISHED not in client.get_registered_model(registry.name).tags
        previous: Any = registry.version("previous")
        assert previous.run_id == outcomes[0].run_id
        runs = client.search_runs(["0"], "tags.role = 'selection'")
        assert "RUNNING" not in {run.info.status for run in runs}


def test_two_at_once_leave_one_champion_and_the_better_one(scenes: Scenes, outcomes: list[RunResult]) -> None:
    assert scenes.printed[0] == "at once 0 0"
    with connected(scenes.at_once) as client:
        registry = Registry(client)
        champion: Any = registry.version(CHAMPION)
        aliases = registry.aliases()
        assert champion.run_id == outcomes[1].run_id
        assert {"signatures", "algorithm", "selection_run_id", "val_accuracy"} <= champion.tags.keys()
        assert [alias for alias, version in aliases.items() if version == aliases[CHAMPION]] == [CHAMPION]
        assert len(client.search_model_versions(f"name = '{registry.name}'")) == 2
