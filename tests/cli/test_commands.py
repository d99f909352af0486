"""The command line: what somebody types, and what they see."""

import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import mlflow
import pytest

from mnist_mlflow.cli import terminal
from mnist_mlflow.data import mnist
from tests.conftest import ROOT, python, start_python

Client: TypeAlias = mlflow.MlflowClient
Command = Callable[..., tuple[int, str, str]]

USAGE = {
    "a mistyped entry point": (
        ["knnn"],
        "No such command 'knnn'. Did you mean 'knn'?",
        "Accepted: cnn, compare, doctor, ensemble",
    ),
    "a mistyped option": (
        ["knn", "--n_neighbor=3"],
        "Did you mean '--n_neighbors'?",
        "Help: python -m mnist_mlflow knn --help",
    ),
    "an option of another algorithm": (["knn", "--epochs=3"], "No such option '--epochs'", "knn --help"),
    "a word for a number": (["cnn", "--epochs=abc"], "'abc' is not a whole number from 1 to 500", "epochs=2"),
    "a value out of range": (["mlp", "--dropout=1.5"], "'1.5' is not a number from 0.0 to 0.9", "dropout=0.4"),
    "an unknown data set": (
        ["svm", "--data=emnist"],
        "/emnist: there is no such file or folder",
        "type auto, mnist or digits",
    ),
    "a data set that is added and has no path": (["svm", "--data=mnist+"], "'mnist+' is not auto, mnist", "data=auto"),
    "an unknown algorithm": (["main", "--algorithms=knn,svn"], "no algorithm 'svn'", "cnn, forest, knn"),
    "no worker": (["svm", "--trials=2", "--workers=0"], "'0' is not a whole number from 1 to 256", "workers=1"),
    "an unknown objective": (["svm", "--trials=2", "--objective=recall"], "'recall' is not one of", "log_loss"),
    "how to search, and no search": (["svm", "--workers=2"], "workers says how to search", "add trials=30"),
    "how to search, and no search of any": (["main", "--study=night"], "study says how to search", "add trials=30"),
    "a missing value": (["evaluate", "--model"], "requires an argument", "Help: python -m mnist_mlflow --help"),
    "a rollback that decides": (["select", "--rollback=1", "--dry_run=1"], "do not go together", "Leave one out"),
    "a negative count": (["knn", "--trials=-1"], "'-1' is not a whole number from 0 to", "trials=0"),
    "an impossible train_size": (
        ["knn", "--data=digits", "--train_size=5"],
        "train_size=5 is not possible",
        "train_size=1000",
    ),
}


@pytest.mark.parametrize("mistake", USAGE)
def test_a_mistake_is_answered_in_two_lines(store: Client, command: Command, mistake: str) -> None:
    arguments, wrong, what_to_type = USAGE[mistake]
    status, output, errors = command(*arguments)
    assert (status, output) == (2, "")
    assert wrong in errors
    assert what_to_type in errors
    assert len(errors.splitlines()) <= 2
    assert "Traceback" not in errors


# Refused by click, by a job, and by a data set.
@pytest.mark.parametrize("mistake", ["a mistyped option", "an unknown algorithm", "an impossible train_size"])
def test_a_mistake_closes_the_run_of_mlflow_run(
    store: Client, command: Command, mistake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = store.create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    arguments, wrong, _ = USAGE[mistake]
    assert command(*arguments)[0] == 2
    run = store.get_run(run_id)
    assert run.info.status == "FAILED"
    assert wrong in run.data.tags["failure"]


IMAGES = b"\0\0\x08\3" + struct.pack(">3I", 2, 28, 28) + bytes(2 * 784)

DAMAGED = {
    "truncated": (IMAGES[:-10], "wrong size"),
    "wrong size": (IMAGES + b"\0", "wrong size"),
    "not IDX": (b"<html>not found</html>", "not an IDX file"),
    "truncated gzip": (b"\x1f\x8b\x08\0\0\0\0\0", "truncated or corrupt"),
    "other images": (IMAGES, "another SHA-256"),
}


@pytest.mark.parametrize("damage", DAMAGED)
@pytest.mark.parametrize("data", ["auto", "mnist"])
def test_a_damaged_file_is_named(
    store: Client, command: Command, damage: str, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, reason = DAMAGED[damage]
    (tmp_path / "train-images-idx3-ubyte").write_bytes(content)
    monkeypatch.setenv("MNIST_MLFLOW_DATA_DIR", str(tmp_path))
    status, _, errors = command("knn", f"--data={data}")
    assert status == 1
    assert reason in errors
    assert "Accepted is the IDX file as published, gzipped or not. Delete it" in errors
    assert str(tmp_path / "train-images-idx3-ubyte") in errors
    assert len(errors.splitlines()) <= 2
    assert not store.search_runs(["0"])


def test_without_mnist_the_command_says_so_loudly(
    store: Client, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist, "MIRRORS", ())
    status, output, errors = command("logistic", "--train_size=100")
    assert status == 0
    assert "WARNING" in errors
    assert "bundled `digits` take its place" in errors
    assert output.startswith("logistic ")
    (run,) = store.search_runs(["0"])
    assert run.data.tags["dataset"] == "digits"
    assert "could not be downloaded" in run.data.tags["dataset_fallback"]
    assert command("logistic", "--data=mnist")[0] == 1


WITHOUT_LIBRARIES = """
import sys
sys.meta_path.insert(0, type("Without", (), {"find_spec": staticmethod(lambda name, *_: __import__("builtins").exec(
    "raise ModuleNotFoundError(name=name)", {"name": name}) if name == "click" else None)}))
sys.argv = ["mnist_mlflow"]
import runpy
runpy.run_module("mnist_mlflow", run_name="__main__")
"""


def test_a_python_without_the_libraries_is_told_in_one_line(tmp_path: Path) -> None:
    process = start_python(WITHOUT_LIBRARIES, ROOT)
    try:
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1
    assert errors.startswith(f"Error: {sys.executable} has no click, which this program needs.")
    assert "source .venv/bin/activate" in errors
    assert len(errors.splitlines()) == 1


def test_an_error_is_one_line_for_who_started_the_command(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """`main` gives it the width of the terminal, and takes the reason of a failure from this line."""
    monkeypatch.setattr(terminal, "err", terminal.Terminal(width=40, stderr=True))
    _, _, errors = command("select", "--rollback=1", "--dry_run=1")
    assert len(errors.splitlines()) == 1


def test_no_bar_of_mlflow_stays_on_the_terminal(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows one for each file of a model that it loads."""
    monkeypatch.delenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", raising=False)
    command("knnn")
    assert os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] == "false"


def test_an_unreachable_server_is_one_line(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    status, _, errors = command("knn", "--data=digits")
    assert status == 1
    assert errors.startswith("Error: The tracking server http://127.0.0.1:9 cannot be used")
    assert len(errors.splitlines()) == 1


def test_an_empty_store_is_one_line(store: Client, command: Command) -> None:
    status, _, errors = command("select", "--data=digits")
    assert status == 1
    assert "Train one first, for example: python -m mnist_mlflow knn" in errors
    assert len(errors.splitlines()) == 1


def test_an_ensemble_of_nothing_is_one_line(store: Client, command: Command) -> None:
    status, _, errors = command("ensemble", "--data=digits")
    assert status == 1
    assert "Train some first: python -m mnist_mlflow main --data=digits --split_seed=0" in errors
    assert len(errors.splitlines()) == 1
    assert command("ensemble", "--members=1")[0] == 2


def test_models_are_let_vote(store: Client, command: Command) -> None:
    for name in ("knn", "logistic"):
        assert command(name, "--data=digits", "--train_size=200")[0] == 0
    status, output, _ = command("ensemble", "--data=digits")
    assert status == 0
    assert output.startswith("ensemble  val_accuracy 0.9")


def test_the_whole_way(store: Client, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_mlflow.jobs.corruptions.MOST_IMAGES", 10)
    assert command("knn", "--data=digits", "--train_size=200", "--n_neighbors=3")[0] == 0
    status, output, errors = command("select", "--data=digits")
    assert (status, errors.count("Traceback")) == (0, 0)
    for expected in (
        "Leaderboard",
        "Version 1 of mnist-digits is champion",
        "rule             the most accurate, then the fastest, of the models that are not significantly worse",
        "python -m mnist_mlflow ui\n",
    ):
        assert expected in output
    (offered,) = (line.strip() for line in output.splitlines() if "import mnist_mlflow" in line)
    exec(offered, names := dict[str, Any]())
    assert names["champion"].name == "Version 1 of mnist-digits"
    assert "test images of this split have been opened once, counted over all runs that the account may see." in errors
    status, output, _ = command("evaluate", "--data=digits")
    assert status == 0
    assert output.startswith("models:/mnist-digits@champion on the test images of digits:")
    assert "opened 2 times, counted over all runs that the account may see." in output
    assert "test_accuracy" in output
    status, output, _ = command("evaluate", "--data=digits", "--corruptions=1")
    assert status == 0
    assert output.startswith("models:/mnist-digits@champion on 10 validation images, each changed in sixty ways")
    assert output.index("strike through") < output.index("val_accuracy_corrupted")
    assert "The test images were not opened." in output


def test_a_decision_can_be_tried_and_taken_back(store: Client, command: Command) -> None:
    assert command("knn", "--data=digits", "--train_size=300")[0] == 0
    status, output, _ = command("select", "--data=digits", "--prefer=latency", "--dry_run=1")
    assert (status, "Nothing was changed: dry_run=1." in output) == (0, True)
    assert command("select", "--data=digits")[0] == 0
    status, _, errors = command("select", "--rollback=1")
    assert (status, "There is no previous champion of mnist-digits" in errors) == (1, True)
    assert command("forest", "--data=digits", "--train_size=300", "--n_estimators=1")[0] == 0
    store.delete_registered_model_alias("mnist-digits", "champion")
    assert command("select", "--data=digits", "--algorithms=forest")[0] == 0
    assert command("select", "--data=digits")[0] == 0
    status, output, _ = command("select", "--rollback=1")
    assert (status, output.splitlines()[0]) == (
        0,
        "Version 2 of mnist-digits is champion again; version 1 is previous.",
    )
    store.delete_registered_model_alias("mnist-digits", "champion")
    status, output, _ = command("select", "--rollback=1")
    assert (status, output) == (0, "Version 1 of mnist-digits is champion again. There was no champion to replace.\n")


def test_a_report_of_nothing_is_one_line(store: Client, command: Command) -> None:
    status, _, errors = command("report")
    assert status == 1
    assert errors.startswith("Error: There is no champion of mnist-digits to report on. Choose one first: python -m ")


@pytest.mark.parametrize(
    "option", ["--prefer=beauty", "--max_mb=-1", "--max_ece=2", "--since=yesterday", "--dry_run=2", "--algorithms=,,"]
)
def test_what_a_selection_does_not_accept_is_told(command: Command, option: str) -> None:
    status, _, errors = command("select", "--data=digits", option)
    assert status == 2
    assert "is not" in errors
    assert "Help: python -m mnist_mlflow select --help" in errors


HEAVY = (
    "mlflow",
    "keras",
    "tensorflow",
    "sklearn",
    "xgboost",
    "optuna",
    "pandas",
    "cv2",
    "matplotlib",
    "plotly",
    "onnx",
    "onnxruntime",
)
TYPED = """
import sys
from mnist_mlflow.cli import commands as cli
for arguments in {commands}:
    sys.argv = ["mnist-mlflow", *arguments]
    try:
        cli.main()
    except SystemExit:
        pass
    print("loaded:", *[name for name in {heavy} if name in sys.modules])
"""


def loaded_by(*commands: list[str]) -> list[set[str]]:
    """The heavy libraries that one process has loaded after each of these commands."""
    printed = python(TYPED.format(commands=commands, heavy=HEAVY), ROOT)
    return [set(line.split()[1:]) for line in printed.splitlines() if line.startswith("loaded:")]


def test_help_needs_no_heavy_library() -> None:
    assert loaded_by(["--help"], ["knn", "--help"]) == [set(), set()]


def test_commands_load_what_they_use(store: Client, command: Command, tmp_path: Path) -> None:
    """Of networks, trees and pictures a command that has none to do with them loads nothing."""
    assert command("knn", "--data=digits", "--train_size=200")[0] == 0
    assert command("select", "--data=digits")[0] == 0
    after_report, after_doctor, after_select = loaded_by(
        ["report", f"--out={tmp_path}/report.html"], ["doctor"], ["select", "--data=digits"]
    )
    assert after_report == {"mlflow", "pandas", "sklearn"}
    assert after_doctor == after_report | {"optuna"}
    assert after_select == after_doctor | {"cv2", "matplotlib", "onnxruntime"}
