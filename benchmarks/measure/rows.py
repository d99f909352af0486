"""Rows: an algorithm of ours and its peer by turns."""

from time import monotonic
from typing import Any

import click

from benchmarks.measure.store import Store
from benchmarks.process import run_task
from benchmarks.results import Results
from benchmarks.targets import Row

PATIENCE = 500  # seconds after which a row is not repeated again
FEWEST_PAIRS = 2


def measure_row(row: Row, repeats: int, store: Store) -> Results:
    """Ours, each time with another seed, and the peer's by turns, in fresh processes.

    A row with seeds measures ours alone, once with each, in runs that the ensemble finds in the store.
    """
    if row.seeds:
        return {"ours": [_measure("tracked.ours", row, store, seed=seed, store=store.uri) for seed in row.seeds]}
    figures: Results = {"ours": [], "peer": []}
    started = monotonic()
    for pair in range(repeats):
        if pair >= FEWEST_PAIRS and monotonic() - started > PATIENCE:
            break
        figures["ours"].append(_measure("rows.ours", row, store, seed=pair))
        figures["peer"].append(_measure("rows.peer", row, store))
    return figures


def _measure(task: str, row: Row, where: Store, **options: Any) -> dict[str, Any]:
    record: dict[str, Any] = run_task(task, row=row.name, train_size=where.train_size, **options)
    click.echo(
        f"{row.name}, {task}: {100 * record['accuracy']:.2f} %, "
        f"fit {record['fit_seconds']:.1f} s, prediction {record['predict_seconds']:.1f} s"
    )
    return record
