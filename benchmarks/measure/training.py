"""`main` with one algorithm at a time and with several: seconds, work, and whether the figures are the same."""

import os
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from benchmarks.measure.store import Store
from benchmarks.targets import ALGORITHMS

WAYS = {"one": ("--workers", "1"), "several": ()}
ROUNDS = 2
METRICS = """SELECT name, metrics.key, value FROM latest_metrics AS metrics JOIN runs USING (run_uuid)
WHERE metrics.key LIKE 'val_%'"""
Metrics = dict[tuple[str, str], float]


def measure_training(store: Store, data: str = "mnist") -> dict[str, Any]:
    """Seconds and processor seconds of `main`, both ways by turns, and how far the figures differ.

    Each has an empty store and an empty cache of features.
    """
    click.echo("main")
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    metrics: dict[str, Metrics] = {}
    for _ in range(ROUNDS):
        for way, options in WAYS.items():
            with tempfile.TemporaryDirectory() as folder:
                runs[way].append(_timed(Store(Path(folder), store.train_size), "--data", data, *options))
                metrics[way] = _metrics(Path(folder))
    return {"data": data, "cores": os.cpu_count(), "runs": runs, "differences": _differences(*metrics.values())}


def _timed(store: Store, *options: str) -> dict[str, float]:
    began, before = time.perf_counter(), os.times()
    store.run("main", "--train_size", str(store.train_size), *options)
    after = os.times()
    work = after.children_user + after.children_system - before.children_user - before.children_system
    return {"seconds": time.perf_counter() - began, "work": work}


def _metrics(folder: Path) -> Metrics:
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        return {(name, key): value for name, key, value in database.execute(METRICS)}


def _differences(alone: Metrics, together: Metrics) -> dict[str, float]:
    """The largest difference of any metric, by algorithm."""
    return {
        name: max(abs(value - together[run, key]) for (run, key), value in alone.items() if run == name)
        for name in ALGORITHMS
    }
