"""Notebooks run from top to bottom, say what they lack, and are kept in step with their plain Python, with outputs."""

import dataclasses
import json
import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from threadpoolctl import threadpool_limits

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions, SearchOptions
from mnist_mlflow.types import silent
from tests.conftest import Trained, train_into_copy
from tests.notebooks import SOURCES
from tests.selected import choose, connected

NAMES = [source.stem for source in SOURCES]
SAYS = {  # near the end of each
    "01_the_data": "of 1,000 images read wrong",
    "02_compare_algorithms": "Of 1 pairs of models",
    "03_search": "Pruning saved",
    "04_the_champion": "answers are sure",
    "05_your_own_digits": "100 pictures, 0 left out",
}
LARGEST = 400_000  # bytes
FEW = DataOptions("digits", train_size=200, max_error=0.1)


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Models by the defaults, with another hyperparameter, and after a search; and a champion."""
    searched = Task("knn", {}, dataclasses.replace(FEW, trials=6))
    tasks = [Task("logistic", {}, FEW), Task("knn", {}, FEW), Task("knn", {"n_neighbors": 2}, FEW), searched]
    trained = train_into_copy(new_store, tmp_path_factory.mktemp("trained"), *tasks)
    with connected(trained.path):
        choose()
    return trained


@pytest.fixture
def run_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Runs a notebook in this process, in a folder of its own; figures are made, not drawn."""
    from matplotlib import pyplot  # a second, which workers without these tests do not wait for

    def run(name: str) -> dict[str, Any]:
        with pyplot.rc_context(), threadpool_limits(1):
            return runpy.run_path(str(SOURCES[NAMES.index(name)]))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pyplot.switch_backend("template")
    yield run
    pyplot.close("all")
    pyplot.switch_backend("agg")


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_from_its_first_cell_to_its_last(
    trained: Trained, run_notebook: Any, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with connected(trained.path):  # notebooks only read
        run_notebook(name)
    assert SAYS[name] in capsys.readouterr().out


@pytest.mark.parametrize("objective", ["accuracy", "log_loss,latency"])
def test_a_search_by_other_goals_is_shown_beside_the_run_that_has_the_defaults(
    trained: Trained, run_notebook: Any, tmp_path: Path, objective: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options, goal = dataclasses.replace(FEW, trials=5), SearchOptions(objective=objective)
    with connected(Path(shutil.copy(trained.path, tmp_path))):
        train(Task("knn", {}, options, goal), silent)
        shown = run_notebook("03_search")
    assert f"goal: {objective}" in capsys.readouterr().out
    assert shown["usual"]["run_id"].tolist() == [trained.outcomes[1].run_id]


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_notebook_says_what_to_type_where_there_is_nothing_to_show(
    store: mlflow.MlflowClient, run_notebook: Any, name: str
) -> None:
    with pytest.raises(UserFacingError, match=r"make run|mlflow run \.|python -m mnist_mlflow"):
        run_notebook(name)


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_plain_python_and_notebook_are_the_same(source: Path) -> None:
    import jupytext

    notebook = jupytext.read(source.with_suffix(".ipynb"))
    notebook.metadata = {"jupytext": {"notebook_metadata_filter": "-all", "cell_metadata_filter": "-all"}}
    assert jupytext.writes(notebook, "py:percent") == source.read_text()


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_a_notebook_keeps_what_all_of_its_cells_show(source: Path) -> None:
    path = source.with_suffix(".ipynb")
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert {output["output_type"] for output in outputs} <= {"stream", "display_data", "execute_result"}
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) > 2
    assert path.stat().st_size < LARGEST
    assert str(Path.home()) not in path.read_text()
