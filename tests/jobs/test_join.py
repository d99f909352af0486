"""Joining a search of somebody: what is taken from its study, and what is refused before anything is tried."""

import dataclasses
import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest

from mnist_mlflow.algorithms import knn
from mnist_mlflow.data import mnist
from mnist_mlflow.jobs import join
from mnist_mlflow.processes import this_process
from mnist_mlflow.search import worker
from mnist_mlflow.search.joining import PREFIX, announce
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.records import counted_trials
from mnist_mlflow.search.studies import open_storage
from tests.searches import announced, before_fit, specify

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def new_studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty storage, to be copied."""
    path = tmp_path_factory.mktemp("studies") / "optuna.db"
    open_storage(f"sqlite:///{path}").engine.dispose()
    return path


@pytest.fixture
def folder(new_studies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an empty storage of studies, which OPTUNA_STORAGE names."""
    shutil.copy(new_studies, tmp_path / "optuna.db")
    monkeypatch.setenv("OPTUNA_STORAGE", f"sqlite:///{tmp_path}/optuna.db")
    return tmp_path


@pytest.fixture
def queue(folder: Path) -> TrialQueue:
    """A search for three trials, which nobody has tried yet."""
    return announced(specify(folder, trials=3))


def announce_otherwise(queue: TrialQueue, **changes: Any) -> None:
    key = f"{PREFIX}run"
    queue.study.set_user_attr(key, queue.study.user_attrs[key] | changes)


def states(queue: TrialQueue) -> list[str]:
    return [record.state for record in queue.records()]


def refusal(command: Command, *arguments: str) -> str:
    """The one line in which a command is refused."""
    status, output, errors = command("join", *arguments)
    (line, *_) = errors.splitlines()
    assert status in (1, 2)
    assert output == ""
    assert line.startswith("Error: ")
    return line


def test_it_tries_until_the_study_has_enough_and_needs_no_store(queue: TrialQueue, command: Command) -> None:
    status, output, errors = command("join", "--study=s")
    assert (status, errors) == (0, "")
    assert output == "3 of 3 trials of the study s were tried here.\n"
    assert states(queue) == ["complete"] * 3
    assert {record.run_id for record in queue.records()} == {"run"}
    status, output, _ = command("join", "--study=s")  # there is nothing left to do
    assert (status, output) == (0, "3 of 3 trials of the study s were tried here.\n")


def test_what_others_try_last_is_waited_for_and_repeated_here_where_they_lose_it(
    queue: TrialQueue, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = queue.next()
    assert theirs
    theirs.set_user_attr("owner", {**this_process(), "host": "elsewhere"})
    waits: list[float] = []

    def vanish(seconds: float) -> None:
        waits.append(seconds)
        theirs.set_user_attr("owner", {**this_process(), "pid": 2**22 + 1})

    monkeypatch.setattr(worker, "time", SimpleNamespace(sleep=vanish))  # not that of file locks
    status, output, _ = command("join", "--study=s")
    assert (status, output) == (0, "3 of 3 trials of the study s were tried here.\n")
    assert len(waits) == 1
    assert states(TrialQueue(queue.spec)) == ["fail"] + ["complete"] * 3  # the other takes its own for running


def test_ctrl_c_ends_it_and_its_trial_is_free_for_others(
    queue: TrialQueue, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(fit: int) -> None:
        if fit == 1:
            raise KeyboardInterrupt

    before_fit(monkeypatch, press)
    status, output, _ = command("join", "--study=s")
    assert status == 0
    assert output.startswith("1 of 1 trials of the study s were tried here.\nIt is not complete")
    assert states(queue) == ["complete", "fail", "waiting"]


def test_the_latest_search_of_a_study_is_joined_unless_another_is_named(queue: TrialQueue, command: Command) -> None:
    latest = TrialQueue(dataclasses.replace(queue.spec, run_id="latest"), queue.storage)
    announce(latest, {})
    command("join", "--study=s")
    assert {record.run_id for record in queue.records()} == {"latest"}
    announce_otherwise(queue, command=dataclasses.replace(queue.spec.task, protocol=more(queue)).command())
    command("join", "--study=s", "--run=run")
    assert [record.run_id for record in queue.records()] == ["latest"] * 3 + ["run"]
    assert "knows no search of run 'x'" in refusal(command, "--study=s", "--run=x")


def more(queue: TrialQueue) -> Any:
    return dataclasses.replace(queue.spec.task.protocol, trials=4)


def test_past_the_deadline_of_its_search_nothing_begins(queue: TrialQueue, command: Command) -> None:
    announce_otherwise(queue, deadline=time.time() - 1)
    status, output, _ = command("join", "--study=s")
    assert (status, states(queue)) == (0, [])
    assert output == "0 of 0 trials of the study s were tried here.\n"


@pytest.mark.parametrize("arguments", [["--study=t"], []])
def test_an_unknown_study_is_told_with_those_that_there_are(
    queue: TrialQueue, command: Command, arguments: list[str]
) -> None:
    assert "accepted: s." in refusal(command, *arguments)


def test_a_study_of_another_program_is_refused(folder: Path, command: Command) -> None:
    optuna.create_study(storage=f"sqlite:///{folder}/optuna.db", study_name="theirs")
    assert "was begun by another program" in refusal(command, "--study=theirs")


def test_other_code_and_another_library_are_refused_and_other_numbers_warned_of(
    queue: TrialQueue, command: Command
) -> None:
    versions = queue.study.user_attrs[f"{PREFIX}run"]["versions"]
    announce_otherwise(queue, versions=versions | {"code": "0123"})
    assert "is not that of the machine that began this" in refusal(command, "--study=s")
    announce_otherwise(queue, versions=versions | {knn.LIBRARY: "0.1"})
    assert f'Type: pip install "{knn.LIBRARY}==0.1"' in refusal(command, "--study=s")
    assert states(queue) == []
    announce_otherwise(queue, versions=versions | {"scipy": "1.0", "onnxruntime": "1.1"})
    status, _, errors = command("join", "--study=s")
    assert status == 0
    assert "scipy is 1.0 there" in (remarks := " ".join(errors.split()))
    assert re.search(r"onnxruntime is 1\.1 there and \d", remarks)


def test_other_images_are_refused(queue: TrialQueue, command: Command) -> None:
    queue.study.set_user_attr("about", {**queue.spec.about, "dataset_digest": "0123"})
    assert "digits has other images than on the machine that began this" in refusal(command, "--study=s")


@pytest.mark.parametrize("data", ["mnist", "/home/anna/digits", "digits+/home/anna/digits"])
def test_a_machine_that_lacks_the_data_says_where_it_goes(
    queue: TrialQueue, command: Command, monkeypatch: pytest.MonkeyPatch, data: str
) -> None:
    announce_otherwise(queue, data=data)
    monkeypatch.setattr(mnist, "MIRRORS", ())
    line = refusal(command, "--study=s")
    assert f"The search learns from {data}, which is not to be had here" in line
    assert "MNIST_MLFLOW_DATA_DIR" in line


def test_a_machine_that_lacks_the_library_says_what_to_install(
    queue: TrialQueue, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join, "lacking_library", lambda names: ["cnn"])
    monkeypatch.setattr("mnist_mlflow.algorithms.base._is_installed", lambda library: False)
    assert "is not installed. Type: pip install" in refusal(command, "--study=s")


def test_a_file_is_for_one_machine(queue: TrialQueue, command: Command) -> None:
    announce_otherwise(queue, machine="another")
    line = refusal(command, "--study=s")
    assert "The search runs on another and keeps its study in a file" in line
    assert "OPTUNA_STORAGE=postgresql" in line


def test_no_storage_is_made(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTUNA_STORAGE", f"sqlite:///{tmp_path}/optuna.db")
    assert "There are no studies in" in refusal(command, "--study=s")
    assert list(tmp_path.iterdir()) == []


def test_several_workers_of_a_machine_try_in_processes_of_their_own(queue: TrialQueue, command: Command) -> None:
    status, output, _ = command("join", "--study=s", "--workers=2")
    assert (status, output) == (0, "3 of 3 trials of the study s were tried here.\n")
    assert this_process() not in [record.owner for record in counted_trials(queue.records())]


def test_no_password_is_in_what_a_study_keeps(queue: TrialQueue) -> None:
    assert "sqlite" not in json.dumps(queue.study.user_attrs)
