import json
from pathlib import Path

import mlflow
import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.jobs import select
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.types import silent
from tests.conftest import ROOT, python


@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.name)
def test_a_notebook_runs_from_its_first_cell_to_its_last(
    store: mlflow.MlflowClient, notebook: Path, tmp_path: Path
) -> None:
    train(Task("knn", {}, DataOptions("digits", train_size=200)), silent)
    select.run(select.Params(data="digits"), silent)
    cells = json.loads(notebook.read_text())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    printed = python(code, tmp_path, MPLBACKEND="agg", MLFLOW_TRACKING_URI=mlflow.get_tracking_uri())
    assert "knn, trained on digits" in printed
