"""What `mlflow run` makes of the project: from the folder, and from a git URI."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import mlflow
import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.tracking.provenance import uncommitted_changes
from mnist_mlflow.types import silent
from tests.conftest import ROOT

Client: TypeAlias = mlflow.MlflowClient
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "mlruns", "mlflow.db*", "__pycache__", ".*_cache", "*.egg-info")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as a git repository with one commit."""
    folder = tmp_path_factory.mktemp("clone") / "project"
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    for arguments in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "all of it"]):
        subprocess.run(["git", "-C", str(folder), *arguments], check=True)
    return folder


def mlflow_run(uri: str, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "mlflow", "run", uri, "--env-manager", "local", *arguments]
    environment = {**os.environ, "PATH": path}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


SMALL = ("-P", "data=digits", "-P", "train_size=200")


@pytest.fixture
def git_uri(repository: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a bare clone behind a server of git's own."""
    bare = tmp_path / "served" / "project.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(repository), str(bare)], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--export-all", "--listen=127.0.0.1", f"--port={port}", f"--base-path={bare.parent}"]
    server = subprocess.Popen(["git", "daemon", *options], start_new_session=True)
    yield f"git://127.0.0.1:{port}/project.git"
    os.killpg(server.pid, signal.SIGTERM)
    server.wait()


def check_run(client: Client, done: "subprocess.CompletedProcess[str]") -> None:
    assert done.returncode == 0, done.stderr
    (run,) = client.search_runs(["0"])
    assert run.info.status == "FINISHED"
    assert run.outputs.model_outputs
    assert run.data.tags["mlflow.project.entryPoint"] == "xgboost"
    assert len(run.data.tags["mlflow.source.git.commit"]) == 40
    assert run.data.tags["git_dirty"] == "False"
    assert (run.data.params["rounds"], run.data.params["learning_rate"]) == ("2", "1e-2")
    assert run.data.params["seed"] == "0"


TREES = ("-e", "xgboost", *SMALL, "-P", "rounds=2", "-P", "learning_rate=1e-2")


def test_runs_from_the_folder(store: Client, repository: Path, tmp_path: Path) -> None:
    check_run(store, mlflow_run(str(repository), tmp_path, *TREES))


def test_runs_from_a_git_uri(store: Client, git_uri: str, tmp_path: Path) -> None:
    check_run(store, mlflow_run(git_uri, tmp_path, *TREES))


def test_the_other_recipe_and_the_ensemble_are_typed_like_any_run(
    store: Client, repository: Path, tmp_path: Path
) -> None:
    small = ("-P", "recipe=accurate", "-P", "epochs=1", "-P", "filters=4")
    train(Task("knn", {}, DataOptions("digits", train_size=200)), silent)
    for typed in (("-e", "cnn", *SMALL, *small), ("-e", "ensemble", "-P", "data=digits")):
        done = mlflow_run(str(repository), tmp_path, *typed)
        assert done.returncode == 0, done.stderr
    found = {run.data.tags["algorithm"]: run for run in store.search_runs(["0"])}
    assert found["cnn"].data.params.items() >= {"recipe": "accurate", "augmentation": "1.0", "filters": "4"}.items()
    assert found["ensemble"].data.tags["mlflow.project.entryPoint"] == "ensemble"
    assert found["ensemble"].outputs.model_outputs


def test_a_changed_file_makes_the_run_dirty(store: Client, repository: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(repository, changed)
    with (changed / "mnist_mlflow" / "errors.py").open("a") as file:
        file.write("# changed\n")
    assert mlflow_run(str(changed), tmp_path, "-e", "knn", *SMALL).returncode == 0
    (run,) = store.search_runs(["0"])
    assert run.data.tags["git_dirty"] == "True"
    diff = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/git/uncommitted.diff")
    assert "+# changed" in diff


def test_the_default_store_is_the_projects(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "project"
    shutil.copytree(repository, project)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert mlflow_run(".", project, "-e", "knn", *SMALL, "-P", "trials=1").returncode == 0
    assert uncommitted_changes(project) == ""  # whatever a search leaves, the next run is of a clean tree
    command = [sys.executable, str(project / "typed_elsewhere.py")]
    (project / "typed_elsewhere.py").write_text("from mnist_mlflow.cli.commands import main; main()")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    subprocess.run([*command, "knn", "--data=digits", "--train_size=200"], cwd=elsewhere, check=True)
    client = Client(f"sqlite:///{project}/mlflow.db")
    runs = client.search_runs(["0"], "tags.role = 'model'")
    assert [run.info.status for run in runs] == ["FINISHED"] * 2
    assert {Path(run.info.artifact_uri.removeprefix("file://")).parents[2] for run in runs} == {project / "mlruns"}
    assert list(elsewhere.iterdir()) == []


def test_a_mistake_in_a_parameter_fails_the_run_with_its_reason(
    store: Client, repository: Path, tmp_path: Path
) -> None:
    done = mlflow_run(str(repository), tmp_path, "-e", "cnn", "-P", "epochs=abc")
    assert done.returncode != 0
    assert "'abc' is not a whole number from 1 to 500" in done.stderr
    (run,) = store.search_runs(["0"])
    assert run.info.status == "FAILED"
    assert "'abc' is not a whole number" in run.data.tags["failure"]


def test_a_mistyped_entry_point_is_answered_with_the_known_ones(
    store: Client, repository: Path, tmp_path: Path
) -> None:
    done = mlflow_run(str(repository), tmp_path, "-e", "knnn")
    assert done.returncode != 0
    assert "Could not find knnn among entry points" in done.stderr
    assert "'xgboost'" in done.stderr
