"""The package installed outside its repository, in one that is the user's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from tests.conftest import ROOT

IDENTITY = ("-c", "user.name=n", "-c", "user.email=e@example.org")


@pytest.fixture
def own_repository(tmp_path: Path) -> Path:
    """A repository with a commit and changes, and with the package installed in it."""
    folder = tmp_path / "own"
    site = folder / "env" / "lib" / "site-packages"
    shutil.copytree(ROOT / "mnist_mlflow", site / "mnist_mlflow", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "secret.py").write_text("one\n")
    for arguments in (["init", "-q"], ["add", "secret.py"], [*IDENTITY, "commit", "-qm", "own"]):
        subprocess.run(["git", "-C", str(folder), *arguments], check=True)
    (folder / "secret.py").write_text("two\n")
    return folder


def test_it_looks_into_no_other_repository_and_keeps_its_store_in_a_place_of_its_own(
    own_repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(own_repository.rglob("*.db")), sorted(path.name for path in own_repository.iterdir())
    environment = {
        **os.environ,
        "PYTHONPATH": str(own_repository / "env" / "lib" / "site-packages"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MLFLOW_EXPERIMENT_NAME": "Default",
    }
    command = ["-m", "mnist_mlflow", "knn", "--data", "digits", "--train_size", "200"]
    done = subprocess.run(
        [sys.executable, *command], cwd=own_repository, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (sorted(own_repository.rglob("*.db")), sorted(path.name for path in own_repository.iterdir())) == before
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/data/mnist_mlflow/mlflow.db")
    (run,) = client.search_runs(["0"])
    assert run.data.tags["git_dirty"] == "unknown"
    (model,) = client.search_logged_models(["0"])
    assert not [key for key in (*run.data.tags, *model.tags) if "git" in key and key != "git_dirty"]
    assert not list((tmp_path / "data").rglob("*.diff"))
