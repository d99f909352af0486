from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest

from benchmarks.measure import selecting as measure
from benchmarks.measure.store import Store
from benchmarks.tasks import selecting
from benchmarks.tasks.big_store import LABELS, fill
from mnist_mlflow.selection.evidence import Evidence
from mnist_mlflow.tracking.candidates import Candidates, Query
from mnist_mlflow.types import Part


def test_equals_are_seldom_and_unequals_mostly_told_apart() -> None:
    rates = selecting.simulated_rates(100)
    assert rates["equal"] <= 0.12
    assert rates["equal_sharing"] <= 0.12
    assert rates["unequal"] >= 0.85


def test_a_simulated_store_is_as_training_leaves_one(store: mlflow.MlflowClient, tmp_path: Path) -> None:
    address = mlflow.get_tracking_uri()
    fill(address, str(tmp_path), 60, 20)
    candidates = list(Candidates(store, Query("data", "split")))
    assert len(candidates) == 15
    assert len(store.search_runs(["0"], "tags.role = 'trial'")) == 40
    validation = Part(np.zeros((len(LABELS), 28, 28), np.uint8), LABELS)
    for candidate in candidates:
        assert Evidence(validation).stored(candidate).mean() == pytest.approx(candidate.metrics["val_accuracy"])
    record = selecting.rank_store(address)
    assert record["seconds"] > 0
    assert 1 <= record["compared"] <= 15


def test_small_and_large_stores_are_ranked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tasks: list[str] = []

    def run_task(task: str, **options: Any) -> dict[str, Any]:
        tasks.append(f"{task} {options.get('runs', '')}")
        return {"seconds": 1}

    monkeypatch.setattr(measure, "run_task", run_task)
    monkeypatch.setattr(measure, "is_installed", lambda: False)
    ranked = measure.measure_selecting(Store(tmp_path, 0))["ranked"]
    assert [(record["store"], record["runs"]) for record in ranked] == [("SQLite", 1_000), ("SQLite", 10_000)]
    rank = "selecting.rank_store "
    assert tasks == ["selecting.simulated_rates ", "big_store.fill 1000", rank, "big_store.fill 10000", rank]
