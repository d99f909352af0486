"""Experiments that are deleted or not there, and MLflow's store of plain files: one line with the way out."""

import shlex
from collections.abc import Callable
from pathlib import Path

import mlflow
import mlflow.cli
import pytest
from click.testing import CliRunner

from mnist_mlflow.errors import UsageError
from mnist_mlflow.tracking.queries import experiment_ids

Command = Callable[..., tuple[int, str, str]]
TRAIN = ("knn", "--data=digits", "--train_size=200")


def refusal(command: Command) -> str:
    status, _, errors = command(*TRAIN)
    assert status == 1
    (line,) = errors.splitlines()
    return line


def type_restore(line: str) -> None:
    """Type the command that a line names, in this process."""
    command = line.partition("Restore it: ")[2].partition(", or")[0]
    assignment, program, *words = shlex.split(command)
    name, _, value = assignment.partition("=")
    assert program == "mlflow"
    done = CliRunner(env={name: value}).invoke(mlflow.cli.cli, words)
    assert done.exit_code == 0, done.output


def test_a_deleted_experiment_is_one_line_with_the_command_that_restores_it(
    store: mlflow.MlflowClient, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = store.create_experiment("gone")
    store.delete_experiment(number)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "gone")
    line = refusal(command)
    assert line.startswith("Error: The experiment 'gone' is deleted.")
    assert line.endswith("export MLFLOW_EXPERIMENT_NAME=NAME")
    with pytest.raises(UsageError, match=r"no experiment 'gone' .* It is deleted\. Restore it: "):
        experiment_ids(store, "gone")
    type_restore(line)
    assert command(*TRAIN)[0] == 0
    assert len(store.search_runs([number])) == 1


def test_an_experiment_that_is_not_there_is_one_line_with_those_that_are(
    store: mlflow.MlflowClient, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "77")
    line = refusal(command)
    assert "There is no experiment with MLFLOW_EXPERIMENT_ID=77; accepted: 0 (Default)." in line
    assert "export MLFLOW_EXPERIMENT_NAME=NAME" in line


@pytest.mark.parametrize("address", ["./mlruns", "mlruns", "file://{folder}/mlruns"])
def test_mlflows_store_of_files_is_one_line_with_the_way_out(
    address: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address.format(folder=tmp_path))
    line = refusal(command)
    assert "Unset MLFLOW_TRACKING_URI" in line
    assert "mlflow migrate-filestore --source" in line
    assert not list(tmp_path.iterdir())
