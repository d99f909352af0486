"""Growth of cost and error with the number of images learned from."""

from typing import Any

import click

from benchmarks.measure.store import Store
from benchmarks.process import run_task
from benchmarks.targets import ALGORITHMS

SIZES = (1_000, 3_000, 10_000, 30_000, 60_000)


def measure_growth(store: Store) -> dict[str, Any]:
    """A fit of each algorithm for each size, or for the store's training size alone where it has one."""
    records = []
    for size in [store.train_size] if store.train_size else SIZES:
        for algorithm in ALGORITHMS:
            records.append(run_task("growth.fit", algorithm=algorithm, size=size))
            click.echo(f"growth, {algorithm}, {size:,} images: {records[-1]['fit_seconds']:.1f} s")
    return {"records": records}
