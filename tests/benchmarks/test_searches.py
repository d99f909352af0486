from pathlib import Path
from typing import Any

import mlflow
import pytest

from benchmarks.measure import searches
from benchmarks.measure.store import Store
from benchmarks.tasks import searches as program
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import load_dataset
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.search import runner
from mnist_mlflow.types import silent


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundled digits take the place of MNIST."""
    monkeypatch.setattr(program, "load_dataset", lambda *arguments: load_dataset("digits", 0, 300))


def test_a_race_lasts_for_its_time_and_counts_trials() -> None:
    record = program.race("knn", 0, True, 12.0, train_size=300, data="digits")
    assert record["trials"] >= record["complete"] >= 1
    assert 0 < record["best"] < 1
    assert record["seconds"] >= 12  # workers need some of it to start


@pytest.mark.usefixtures("small")
def test_the_overhead_is_that_of_trials_that_learn_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_mlflow.jobs.search.draw", None)  # all are put back afterwards
    for name in ("train_model", "share_of", "essentials"):
        monkeypatch.setattr(runner, name, None)
    record = program.trial_overhead(5)
    assert record["trials"] == 5
    assert record["ms"] > 0


@pytest.mark.usefixtures("small")
def test_a_search_is_compared_with_the_defaults_on_the_validation_images(store: mlflow.MlflowClient) -> None:
    for trials in (0, 4):
        train(Task("knn", {}, DataOptions("digits", train_size=300, trials=trials)), silent)
    gained = program.gained(mlflow.get_tracking_uri(), "knn")
    mean, low, high = gained["difference"]
    assert mean == pytest.approx(gained["best"]["val_accuracy"] - gained["defaults"]["val_accuracy"])
    assert low <= mean <= high
    assert sum(gained["trials"].values()) == 4
    assert "trials" not in gained["params"]


def test_both_sides_race_by_turns_for_every_seed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    races: list[dict[str, Any]] = []
    commands: list[tuple[str, ...]] = []

    def run_task(task: str, **arguments: Any) -> dict[str, Any]:
        races.extend([arguments] if task == "searches.race" else [])
        return {"trials": 3, "best": 0.1}

    monkeypatch.setattr(searches, "run_task", run_task)
    monkeypatch.setattr(Store, "train", lambda store, *options: commands.append(options))
    searches.measure_searches(Store(tmp_path, 0))
    assert [(race["algorithm"], race["seed"], race["prune"]) for race in races] == [
        (algorithm, seed, prune) for algorithm in ("svm", "cnn") for seed in (0, 1, 2) for prune in (True, False)
    ]
    assert len({race["seconds"] for race in races if race["algorithm"] == "cnn"}) == 1
    assert commands == [("svm",), ("svm", "--trials=30"), ("cnn",), ("cnn", "--trials=30")]
