from pathlib import Path
from typing import Any

import mlflow
import pytest

from benchmarks import searches as program
from benchmarks.search_report import searches
from benchmarks.store import Store
from mnist_mlflow.algorithms import svm
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import load_dataset
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions, SearchOptions
from mnist_mlflow.types import silent


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundled digits take the place of MNIST."""
    monkeypatch.setattr("mnist_mlflow.data.load_dataset", lambda *arguments: load_dataset("digits", 0, 300))


def test_a_race_ends_in_time_and_counts_trials() -> None:
    record = program.race("knn", 0, True, 10.0, train_size=300, data="digits")
    assert record["trials"] >= record["complete"] >= 1
    assert 0 < record["best"] < 1
    assert 10.0 <= record["seconds"] < 40


@pytest.mark.usefixtures("small")
def test_the_overhead_is_that_of_trials_that_learn_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svm, "build", svm.build)  # put back afterwards
    monkeypatch.setattr("mnist_mlflow.jobs.search.draw", None)
    monkeypatch.setattr("mnist_mlflow.search.trying.essentials", None)
    record = program.trial_overhead(5)
    assert record["trials"] == 5
    assert 1 < record["ms"] < 5_000


@pytest.mark.usefixtures("small")
def test_a_search_is_compared_with_the_defaults_on_the_validation_images(store: mlflow.MlflowClient) -> None:
    protocol = {"data": "digits", "train_size": 300}
    train(Task("knn", {}, DataOptions(**protocol)), silent)
    train(Task("knn", {}, DataOptions(**protocol, trials=4), SearchOptions()), silent)
    gained = program.gained(mlflow.get_tracking_uri(), "knn")
    mean, low, high = gained["difference"]
    assert mean == pytest.approx(gained["best"]["val_accuracy"] - gained["defaults"]["val_accuracy"])
    assert low <= mean <= high
    assert sum(gained["trials"].values()) == 4
    assert "trials" not in gained["params"]


def test_both_sides_race_by_turns_for_every_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def run_task(task: str, **arguments: Any) -> dict[str, Any]:
        asked.append((task, arguments))
        return {**arguments, "trials": 3, "best": 0.1}

    monkeypatch.setattr(program, "run_task", run_task)
    monkeypatch.setattr(Store, "train", lambda store, *options: asked.append(("train", {"options": options})))
    program.measure_searches(Store(Path(), 0))
    races = [arguments for task, arguments in asked if task == "race"]
    assert [(race["algorithm"], race["seed"], race["prune"]) for race in races] == [
        (algorithm, seed, prune) for algorithm in ("svm", "cnn") for seed in (0, 1, 2) for prune in (True, False)
    ]
    assert len({race["seconds"] for race in races if race["algorithm"] == "cnn"}) == 1
    trained = [arguments["options"] for task, arguments in asked if task == "train"]
    assert trained == [("svm",), ("svm", "--trials=30"), ("cnn",), ("cnn", "--trials=30")]


def race(prune: bool, trials: int, best: float | None) -> dict[str, Any]:
    return {"algorithm": "svm", "seed": 0, "prune": prune, "seconds": 90.0, "trials": trials, "best": best}


SIDE = {"val_accuracy": 0.995, "val_log_loss": 0.015, "val_ece": 0.002, "fit_seconds": 9.0}
GAINED = {
    "algorithm": "svm",
    "best": {**SIDE, "val_accuracy": 0.9956},
    "defaults": SIDE,
    "difference": (0.0006, -0.0001, 0.0013),
    "trials": {"complete": 10, "pruned": 19, "fail": 1},
    "seconds": 99.0,
    "params": {"C": "7.123456", "kernel": "poly"},
}


@pytest.mark.parametrize(
    ("pruned", "other", "expected"),
    [
        ((9, 0.014), (3, 0.015), ["3", "reached", "0.01400", "0.01500", "reached"]),
        ((8, 0.016), (3, 0.015), ["2.67", "not reached", "0.01600", "0.01500", "not reached"]),
        ((9, None), (3, 0.015), ["3", "reached", "none", "0.01500", "not reached"]),
        ((1, 0.014), (0, None), ["1", "not reached", "0.01400", "none", "reached"]),
    ],
)
def test_what_is_written_of_a_race(pruned: Any, other: Any, expected: list[str]) -> None:
    results = {"raced": [race(True, *pruned), race(False, *other)], "overhead": {"ms": 60.4, "trials": 9}}
    raced, found = searches({**results, "gained": [GAINED]})
    line = next(line for line in raced.splitlines() if line.startswith("| svm"))
    assert [cell.strip() for cell in line.split("|")[7:-1]] == expected
    assert ("What limits it" in raced) == ("not reached" in expected)
    assert "take 60 ms of a trial" in found
    assert "to reach 60: not reached" in found


def test_what_is_written_of_a_gain() -> None:
    _, found = searches({"raced": [], "overhead": {"ms": 50.0, "trials": 9}, "gained": [GAINED]})
    line = next(line for line in found.splitlines() if line.startswith("| svm"))
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    assert cells == [
        *("svm", "30 (19)", "99.0", "99.56", "99.50", "+0.06 (-0.01 to +0.13)", "0.0150", "0.0150"),
        "C=7.12, kernel=poly",
    ]
