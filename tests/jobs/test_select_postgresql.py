"""A server keeps what a file lets pass: lengths, types, and locks of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest

from benchmarks.measure.postgresql import is_installed, postgresql
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.jobs import select
from mnist_mlflow.jobs.rollback import Rollback
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.tracking.aliases import CHAMPION, PREVIOUS
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.store import connect
from mnist_mlflow.types import silent
from tests.selected import choose

SMALL = DataOptions("digits", train_size=200)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[mlflow.MlflowClient]:
    """A client of a store that a PostgreSQL server keeps."""
    if not is_installed():
        pytest.skip("PostgreSQL's server is not installed: apt-get install postgresql")
    monkeypatch.chdir(tmp_path)  # where a new store puts its artifacts
    with postgresql() as address:
        mlflow.set_tracking_uri(address)
        yield connect()
        mlflow.set_tracking_uri(None)


def test_a_champion_is_chosen_described_and_taken_back(store: mlflow.MlflowClient) -> None:
    many = {"n_neighbors": 100, "weights": "uniform"}
    for task in (Task("knn", many, SMALL), Task("knn", {}, SMALL)):
        train(task, silent)
        assert choose().decision.verdict.alias == CHAMPION
    registry = Registry(store)
    champion: Any = registry.version(CHAMPION)
    assert "## Figures" in champion.description
    assert champion.description.rstrip().splitlines()[-1].startswith("The whole card is `card.md` of [run")
    assert registry.aliases()[PREVIOUS] == "1"
    rollback = select.run(select.Params(rollback=True), silent)
    assert rollback == Rollback(registry.name, "1", "2")
    (excluded,) = choose().decision.choice.excluded
    assert "was taken back" in excluded.exclusion
