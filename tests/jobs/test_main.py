import dataclasses
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import mlflow
import numpy as np
import pytest

from mnist_mlflow.algorithms.base import algorithm_names
from mnist_mlflow.cli.commands import commands
from mnist_mlflow.data import Dataset, mnist
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.jobs import clusters
from mnist_mlflow.jobs.main import MOST_AT_A_TIME, Params, announcement, run, share_of_time
from mnist_mlflow.protocol import SearchOptions
from mnist_mlflow.search import workers
from mnist_mlflow.search.workers import Shown
from mnist_mlflow.types import silent
from tests.slots import Slots

Client: TypeAlias = mlflow.MlflowClient
Command = Callable[..., tuple[int, str, str]]


def algorithm_runs(client: Client) -> dict[str, Any]:
    return {run.data.tags["algorithm"]: run for run in client.search_runs(["0"], "tags.role = 'model'")}


SEARCH = SearchOptions(study="mine", timeout=100.0, objective="accuracy")


class InTurn:
    """Takes the place of processes: what is to be typed in one is typed in a thread, where MLflow knows of no run."""

    def __init__(self, count: int, shares: bool) -> None:
        self.endings = list[workers.Ending]()

    def slots(self) -> int:
        return 1

    def start(self, command: workers.Command) -> int:
        with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as thread:
            for name, value in command.variables.items():
                patch.setenv(name, value)
            thread.submit(commands.main, list(command.arguments), standalone_mode=False).result()
        self.endings.append(workers.Ending(id(command), 0))
        return id(command)

    def wait(self, seconds: float) -> Sequence[workers.Ending]:
        endings, self.endings = self.endings, []
        return endings

    def end(self, patience: float | None = None) -> None:
        """Nothing runs."""


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "Processes", InTurn)


@pytest.mark.usefixtures("one_process")
def test_trains_and_searches_each_in_a_run_of_its_own_then_selects(store: Client) -> None:
    params = Params("digits", train_size=200, trials=1, algorithms="knn, logistic", **dataclasses.asdict(SEARCH))
    result = run(params, silent)
    (main,) = store.search_runs(["0"], "tags.role = 'selection'")
    runs = algorithm_runs(store)
    assert {name: run.data.tags["study"] for name, run in runs.items()} == {
        "knn": "mine-knn",
        "logistic": "mine-logistic",
    }
    for name, child in runs.items():
        assert child.info.status == "FINISHED"
        assert child.data.tags["main_run"] == main.info.run_id
        assert "mlflow.parentRunId" not in child.data.tags
        assert child.data.tags["mlflow.project.entryPoint"] == name
        assert {"train_size": "200", "trials": "1", "objective": "accuracy"}.items() <= child.data.params.items()
        assert 40 < float(child.data.params["timeout"]) < 100
    assert float(runs["logistic"].data.params["timeout"]) < float(runs["knn"].data.params["timeout"])
    assert not result.failed
    assert len(result.selection.table) == 2
    assert main.info.status == "FINISHED"
    assert main.data.params["algorithms"] == "logistic,knn"


@pytest.mark.parametrize(
    ("cores", "workers", "count"),
    [(1, 0, 1), (2, 0, 2), (64, 0, MOST_AT_A_TIME), (2, 3, 3), (64, 1, 1)],
)
def test_as_many_train_at_a_time_as_there_are_cores_the_longest_first_and_each_as_it_would_alone(
    store: Client, monkeypatch: pytest.MonkeyPatch, cores: int, workers: int, count: int
) -> None:
    places: list[tuple[Slots, bool]] = []
    rows: list[tuple[str, int, int]] = []

    def open_place(count: int, shares: bool) -> Slots:
        places.append((Slots(count), shares))
        return places[-1][0]

    monkeypatch.setattr(clusters, "Processes", open_place)
    monkeypatch.setattr("mnist_mlflow.jobs.main.count_cores", lambda: cores)
    params = Params("digits", train_size=100, workers=workers, algorithms="knn,mlp,svm,xgboost,logistic")
    with pytest.raises(UserFacingError, match="Every algorithm failed"):
        run(params, lambda *row: rows.append(row))
    ((place, shares),) = places
    assert [command.label for command in place.commands] == ["mlp", "xgboost", "svm", "logistic", "knn"]
    assert (place.most, shares) == (count, False)
    shown, total = (Shown.TERMINAL, 0) if count == 1 else (Shown.LINES, 6)
    assert {command.shown for command in place.commands} == {shown}
    trained = [row for row in rows if row[0] == "train the algorithms"]
    assert trained == [("train the algorithms", done, 5) for done in range(total)]
    (main,) = store.search_runs(["0"], "tags.role = 'selection'")
    assert main.data.params["workers"] == str(count)


def test_searches_for_latency_are_not_disturbed_unless_somebody_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_mlflow.jobs.main.count_cores", lambda: 2)
    assert [Params(objective=goals).at_a_time for goals in ("log_loss", "log_loss,latency")] == [2, 1]
    assert Params(objective="accuracy,latency", workers=2).at_a_time == 2


def test_one_that_is_left_has_the_terminal(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Slots(2)
    monkeypatch.setattr(clusters, "Processes", lambda count, shares: place)
    with pytest.raises(UserFacingError, match="Every algorithm failed"):
        run(Params("digits", train_size=100, workers=2, algorithms="knn"), silent)
    assert [command.shown for command in place.commands] == [Shown.TERMINAL]


KILLS_KNN = """
import os, sys
if "knn" in sys.orig_argv:
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def knn_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every process that is to train kNN dies at its start, as it would for want of memory."""
    (tmp_path / "sitecustomize.py").write_text(KILLS_KNN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_it_says_beforehand_about_how_long_it_takes(digits: Dataset) -> None:
    assert announcement(["knn", "svm"], digits) == (
        "Training knn, svm on 500 images of digits: about 1 min on two cores."
    )
    many = dataclasses.replace(digits, train=digits.train[np.arange(500).repeat(90)])
    assert "on 45,000 images of digits: about 3 min" in announcement(algorithm_names(), many)


@pytest.mark.usefixtures("knn_is_killed")
def test_a_failure_does_not_stop_the_others(store: Client, command: Command) -> None:
    status, output, errors = command("main", "--algorithms=knn,logistic", "--data=digits", "--train_size=100")
    assert status == 1
    assert "These algorithms failed, see the output above: knn. Try again: python -m mnist_mlflow main --" in errors
    assert {"--algorithms=knn", "--data=digits", "--train_size=100"} <= set(re.findall(r"--\S+", errors))
    assert "logistic" in output
    runs = {run.data.tags["mlflow.project.entryPoint"]: run for run in store.search_runs(["0"])}
    assert {name: run.info.status for name, run in runs.items()} == {
        "knn": "FAILED",
        "logistic": "FINISHED",
        "main": "FAILED",
    }
    assert runs["knn"].data.tags["failure"] == "its process ended without a word"
    assert "knn" in runs["main"].data.tags["failure"]


@pytest.mark.usefixtures("knn_is_killed")
def test_nothing_is_selected_when_all_fail(store: Client) -> None:
    with pytest.raises(UserFacingError, match="Every algorithm failed"):
        run(Params(algorithms="knn", data="digits", train_size=100), silent)


@pytest.mark.usefixtures("one_process")
def test_the_fallback_is_told_to_every_run(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "MIRRORS", ())
    run(Params(algorithms="logistic", train_size=100), silent)
    for child in store.search_runs(["0"]):
        assert child.data.tags["dataset"] == "digits"
        assert "could not be downloaded" in child.data.tags["dataset_fallback"]


def test_the_time_is_shared_and_what_one_does_not_need_the_others_have() -> None:
    left_and_searches = [(100.0, 4), (90.0, 3), (10.0, 2), (-100.0, 1)]
    assert [share_of_time(*pair) for pair in left_and_searches] == [25.0, 30.0, 5.0, 1.0]


@pytest.mark.parametrize(
    ("params", "mistake"),
    [
        (Params(study="night"), "study says how to search, and nothing is to be searched"),
        (Params(algorithms="knn,svn"), r"no algorithm 'svn' \(did you mean 'svm'\?\); accepted: .*cnn"),
    ],
)
def test_a_mistake_is_answered_before_anything_begins(params: Params, mistake: str) -> None:
    with pytest.raises(UsageError, match=mistake):
        run(params, silent)
