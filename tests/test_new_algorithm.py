"""A new algorithm, as docs/new-algorithm.md writes it: one file, one stanza; it learns, is selected, and loads."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
import yaml

from tests.conftest import ROOT
from tests.test_agreement import check_command

DOCUMENT = (ROOT / "docs" / "new-algorithm.md").read_text()
PARTS = ("mnist_mlflow", "MLproject", "conda.yaml", "README.md")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project with the new file and the new stanza."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in PARTS:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    (folder / "mnist_mlflow" / "algorithms" / "centroid.py").write_text(block("python"))
    with (folder / "MLproject").open("a") as file:
        file.write("\n" + block("yaml"))
    return folder


def test_the_stanza_passes_on_all_that_it_declares() -> None:
    stanzas = yaml.safe_load((ROOT / "MLproject").read_text() + "\n" + block("yaml"))["entry_points"]
    check_command("centroid", stanzas["centroid"])


def test_the_rows_are_like_those_of_their_tables() -> None:
    for row, document in zip(block("text").splitlines(), ("README.md", "docs/reproduce.md"), strict=True):
        others = re.findall(r"^\| `knn` \|.*", (ROOT / document).read_text(), re.M)
        assert [other.count("|") for other in others] == [row.count("|")]


def test_a_new_algorithm_is_one_file_and_one_stanza(
    store: mlflow.MlflowClient, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(block("python").splitlines()) < 40
    monkeypatch.setenv("PYTHONPATH", str(project))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    small = {"data": "digits", "train_size": "500", "trials": "2"}
    mlflow.projects.run(str(project), "centroid", parameters=small, env_manager="local")
    select = [sys.executable, "-m", "mnist_mlflow", "select", "--data", "digits", "--algorithms", "centroid"]
    done = subprocess.run(select, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (trained,) = store.search_runs(["0"], "tags.role = 'model'")
    assert trained.data.tags["algorithm"] == "centroid"
    assert trained.data.metrics["val_accuracy"] > 0.9
    model = mlflow.pyfunc.load_model("models:/mnist-digits@champion")
    assert model.metadata.run_id == trained.info.run_id
