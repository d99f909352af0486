"""A project folder that was moved: no command goes on as if its artifacts were where they were."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import pytest

from mnist_mlflow.tracking.relocation import find_moves, rewrite_addresses
from mnist_mlflow.tracking.store import open_store
from tests.conftest import place_store, use_store

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def moved(new_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The new folder of a store with an artifact; the old one was `tmp_path / "old"`."""
    (tmp_path / "old").mkdir()
    client = use_store(place_store(new_store, tmp_path / "old"), monkeypatch)
    client.log_text(client.create_run("0").info.run_id, "text", "file.txt")
    mlflow.set_tracking_uri(None)
    folder = (tmp_path / "old").rename(tmp_path / "new")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
    yield folder
    mlflow.set_tracking_uri(None)


def test_every_command_says_in_one_line_that_the_store_was_moved(moved: Path, command: Command, tmp_path: Path) -> None:
    train = ["knn", "--data=digits", "--train_size=200"]
    where = f"artifacts are looked for in {tmp_path}/old, the store lies in {moved}"
    for arguments in (train, ["select", "--data=digits"], ["report"], ["evaluate"]):
        status, _, errors = command(*arguments)
        assert status == 1
        (line,) = errors.splitlines()
        assert line == f"Error: The store was moved: {where}. Type: python -m mnist_mlflow doctor --fix 1"
    assert where in command("doctor")[1]
    assert not (tmp_path / "old").exists()  # nothing was written there
    client = open_store(f"sqlite:///{moved}/mlflow.db")  # as who mends it opens it
    assert len(client.search_runs(["0"])) == 1
    rewrite_addresses(moved / "mlflow.db", find_moves(moved / "mlflow.db"))
    assert command(*train)[0] == 0
    assert not (tmp_path / "old").exists()
    assert len(list((moved / "mlruns" / "0").iterdir())) > 1


def test_a_copy_is_told_from_its_original(moved: Path, command: Command, tmp_path: Path) -> None:
    rewrite_addresses(moved / "mlflow.db", find_moves(moved / "mlflow.db"))
    shutil.copytree(moved, tmp_path / "copy")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/copy/mlflow.db")
        status, _, errors = command("report")
    assert (status, f"looked for in {moved}, the store lies in {tmp_path}/copy" in errors) == (1, True)


def test_an_experiment_of_another_folder_without_artifacts_has_not_moved(
    new_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = place_store(new_store, tmp_path)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    client = mlflow.MlflowClient(f"sqlite:///{store}")
    assert "elsewhere" in client.get_experiment(client.create_experiment("plain")).artifact_location
    assert find_moves(store) == []
