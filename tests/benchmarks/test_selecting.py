from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest

from benchmarks import selecting
from benchmarks.big_store import LABELS, fill
from benchmarks.selecting_report import selections
from mnist_mlflow.selection.evidence import Evidence
from mnist_mlflow.tracking.candidates import Query, find_candidates
from mnist_mlflow.types import Part


def test_equals_are_seldom_and_unequals_mostly_told_apart() -> None:
    rates = selecting.simulated_rates(100)
    assert rates["equal"] <= 0.12
    assert rates["equal_sharing"] <= 0.12
    assert rates["unequal"] >= 0.85


def test_a_simulated_store_is_as_training_leaves_one(tmp_path: Path) -> None:
    validation = Part(np.zeros((len(LABELS), 28, 28), np.uint8), LABELS)
    store = f"sqlite:///{tmp_path}/mlflow.db"
    fill(store, tmp_path, 60, 20)
    mlflow.set_tracking_uri(store)
    client = mlflow.MlflowClient()
    try:
        found = list(find_candidates(client, Query("data", "split")))
        assert len(found) == 15
        assert len(client.search_runs(["0"], "tags.role = 'trial'")) == 40
        for candidate in found:
            correct = Evidence(validation).stored(candidate)
            assert correct.mean() == pytest.approx(candidate.metrics["val_accuracy"])
        record = selecting.rank_store(store)
    finally:
        mlflow.set_tracking_uri(None)
    assert 0 < record["seconds"] < 60
    assert 1 <= record["compared"] <= 15


def test_small_and_large_stores_of_both_kinds_are_ranked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []
    filled: list[str] = []

    def run_task(task: str, **options: Any) -> dict[str, Any]:
        asked.append((task, options))
        return {"seconds": 1}

    monkeypatch.setattr(selecting, "run_task", run_task)
    monkeypatch.setattr(selecting, "run_python", lambda *arguments: filled.append(arguments[1]))
    monkeypatch.setattr(selecting, "is_installed", lambda: False)
    measured = selecting.measure_selecting(0)
    assert [(record["store"], record["runs"]) for record in measured["ranked"]] == [
        ("SQLite", 1_000),
        ("SQLite", 10_000),
    ]
    assert "10000, 2000)" in filled[1]
    assert asked[0] == ("simulated_rates", {"simulations": 1_000})


def test_rates_and_times_are_judged() -> None:
    ranked = {"store": "SQLite", "runs": 10_000, "models": 2_000, "compared": 100}
    ranked |= {"first_seconds": 1.2, "seconds": 0.9, "peak_mb": 300.0}
    rates = {"simulations": 1_000, "equal": 0.04, "equal_sharing": 0.051, "unequal": 0.97}
    text = "\n".join(selections({"rates": rates, "ranked": [ranked, {**ranked, "seconds": 1.6}]}))
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")
    ]
    assert [line[-3:] for line in lines[1:4]] == [
        ["4.0%", "at most 5%", "reached"],
        ["5.1%", "at most 5%", "not reached"],
        ["97.0%", "at least 90%", "reached"],
    ]
    assert [line[7] for line in lines[5:]] == ["reached", "not reached"]
