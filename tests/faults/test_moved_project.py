"""A project whose folder was moved, with its store in it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, place_store

SMALL = ["--data", "digits", "--train_size", "200"]
COMMANDS = """
import sys
from mnist_mlflow.cli.commands import main
from mnist_mlflow.jobs import recording
recording.pictures = lambda *_: {{}}
for typed in {commands}:
    sys.argv = ["mnist-mlflow", *typed]
    try:
        main()
    except SystemExit:
        if typed[0] != "doctor":  # which misses MNIST
            raise
"""
LOAD = """
import mlflow, numpy
mlflow.set_tracking_uri("sqlite:///mlflow.db")
print(len(mlflow.pyfunc.load_model("models:/mnist-digits@champion").predict(numpy.zeros((3, 28, 28), "uint8"))))
"""


def typed(folder: Path, *commands: list[str], then: str = "") -> "subprocess.CompletedProcess[str]":
    """What comes of commands of the project in this folder, with the store in it; they share a process."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "OPTUNA_STORAGE")}
    code = COMMANDS.format(commands=commands) + then
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def moved(new_store: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The folder where a champion was trained, and the one that the whole project was moved to."""
    old, new = tmp_path / "old place", tmp_path / "new_place"
    old.mkdir()
    shutil.copytree(ROOT / "mnist_mlflow", old / "mnist_mlflow", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("MLproject", "pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, old)
    place_store(new_store, old)
    done = typed(old, ["knn", *SMALL], ["select", *SMALL[:2]])
    assert done.returncode == 0, done.stderr
    shutil.move(old, new)
    return old, new


def test_a_moved_project_works_again_after_doctor(moved: tuple[Path, Path]) -> None:
    old, new = moved
    done = typed(new, ["doctor", "--fix", "1"], ["logistic", *SMALL], ["select", *SMALL[:2]], then=LOAD)
    assert done.returncode == 0, done.stderr
    doctor, after = done.stdout.split("logistic", 1)
    mended = {line.split()[1]: line for line in doctor.splitlines()}
    assert mended["artifacts"].startswith("mended")
    assert str(next(new.glob("mlflow.db.backup-*"))) in mended["artifacts"]
    assert mended["versions"].startswith("ok"), mended
    assert after.splitlines()[-1] == "3"
    assert not old.exists()
