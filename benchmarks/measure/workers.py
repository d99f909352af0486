"""`main` with one and with two algorithms at a time: seconds, and whether the figures are the same."""

import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from benchmarks.measure.store import Store
from benchmarks.targets import ALGORITHMS

COUNTS = (1, 2)
METRICS = """SELECT name, metrics.key, value FROM latest_metrics AS metrics JOIN runs USING (run_uuid)
WHERE metrics.key LIKE 'val_%'"""
Metrics = dict[tuple[str, str], float]


def measure_workers(store: Store) -> dict[str, Any]:
    """Seconds of `main` on the bundled digits by the number of workers, and how far the figures differ."""
    click.echo("workers")
    seconds, (alone, together) = {}, (Metrics(), Metrics())
    for count, metrics in zip(COUNTS, (alone, together), strict=True):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            Store(Path(folder), 0).run("main", "--data", "digits", "--workers", str(count))
            seconds[str(count)] = time.perf_counter() - began
            with closing(sqlite3.connect(f"{folder}/mlflow.db")) as database:
                metrics.update({(name, key): value for name, key, value in database.execute(METRICS)})
    differences = {
        name: max(abs(value - together[run, key]) for (run, key), value in alone.items() if run == name)
        for name in ALGORITHMS
    }
    return {"seconds": seconds, "differences": differences}
