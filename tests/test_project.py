"""The project as `mlflow run` sees it: from the folder, and from a git URI."""

import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import mlflow
import pytest
from mlflow.exceptions import ExecutionException

from mnist_mlflow.tracking.provenance import uncommitted_changes
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
def run_project(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Runs an entry point as `mlflow run` does, without a process for the command line of MLflow."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return functools.partial(mlflow.projects.run, env_manager="local")


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


def test_runs_from_a_git_uri_with_the_parameters_as_typed(
    store: Client, git_uri: str, run_project: Callable[..., object]
) -> None:
    small = {"data": "digits", "train_size": "200", "epochs": "1", "filters": "4"}
    run_project(git_uri, "cnn", parameters={"recipe": "accurate", "learning_rate": "1e-2", **small})
    (run,) = store.search_runs(["0"])
    assert run.info.status == "FINISHED"
    assert run.outputs.model_outputs
    assert run.data.tags["mlflow.project.entryPoint"] == "cnn"
    assert len(run.data.tags["mlflow.source.git.commit"]) == 40
    assert run.data.tags["git_dirty"] == "False"
    expected = {"recipe": "accurate", "augmentation": "1.0", "filters": "4", "learning_rate": "1e-2", "seed": "0"}
    assert run.data.params.items() >= expected.items()


TYPED_ELSEWHERE = """
import sys
from mnist_mlflow.cli.commands import main
for typed in (["logistic", "--data=digits", "--train_size=200"], ["ensemble", "--data=digits"]):
    sys.argv[1:] = typed
    main()
"""


def test_the_default_store_is_the_projects_wherever_a_command_is_typed(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    shutil.copytree(repository, project)
    elsewhere.mkdir()
    with (project / "mnist_mlflow" / "errors.py").open("a") as file:
        file.write("# changed\n")
    (project / "typed_elsewhere.py").write_text(TYPED_ELSEWHERE)
    changes = uncommitted_changes(project)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert mlflow_run(".", project, "-e", "knn", *SMALL, "-P", "trials=1").returncode == 0
    assert uncommitted_changes(project) == changes  # which the search leaves as they were
    subprocess.run([sys.executable, str(project / "typed_elsewhere.py")], cwd=elsewhere, check=True)
    assert list(elsewhere.iterdir()) == []
    client = Client(f"sqlite:///{project}/mlflow.db")
    places = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = {run.data.tags["algorithm"]: run for run in client.search_runs(places, "tags.role = 'model'")}
    assert {name: run.info.status for name, run in runs.items()} == dict.fromkeys(
        ("knn", "logistic", "ensemble"), "FINISHED"
    )
    assert {runs[name].data.tags["mlflow.project.entryPoint"] for name in runs} == set(runs)
    artifacts = {Path(run.info.artifact_uri.removeprefix("file://")) for run in runs.values()}
    assert {path.parents[2] for path in artifacts} == {project / "mlruns"}
    check_changes(runs["knn"].data.tags, artifacts, changes)


def check_changes(tags: dict[str, str], artifacts: set[Path], changes: bytes | None) -> None:
    """All runs keep the changes that were there before the first."""
    assert tags["git_dirty"] == "True"
    assert changes
    assert b"+# changed" in changes
    assert {(path / "git" / "uncommitted.diff").read_bytes() for path in artifacts} == {changes}


def test_a_mistake_in_a_parameter_fails_the_run_with_its_reason(
    store: Client, repository: Path, run_project: Callable[..., object], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ExecutionException):
        run_project(str(repository), "cnn", parameters={"epochs": "abc"})
    assert "'abc' is not a whole number from 1 to 500" in capfd.readouterr().err
    (run,) = store.search_runs(["0"])
    assert run.info.status == "FAILED"
    assert "'abc' is not a whole number" in run.data.tags["failure"]


def test_a_mistyped_entry_point_is_answered_with_the_known_ones(store: Client, repository: Path) -> None:
    with pytest.raises(ExecutionException, match=r"Could not find knnn among entry points.*'xgboost'"):
        mlflow.projects.run(str(repository), "knnn", env_manager="local")
