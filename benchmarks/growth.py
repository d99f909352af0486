"""How cost and error grow with the number of images learned from: growth.png."""

from pathlib import Path
from typing import Any

import click

from benchmarks.process import run_task
from benchmarks.rows import ALGORITHMS

SIZES = (1_000, 3_000, 10_000, 30_000, 60_000)


def measure_growth(train_size: int) -> dict[str, Any]:
    """A fit of each algorithm for each size (0: SIZES; otherwise this one)."""
    records = []
    for size in [train_size] if train_size else SIZES:
        for algorithm in ALGORITHMS:
            records.append(run_task("growth", algorithm=algorithm, size=size))
            click.echo(f"growth, {algorithm}, {size:,} images: {records[-1]['fit_seconds']:.1f} s")
    return {"records": records}


def draw(records: list[dict[str, Any]], path: Path) -> None:
    """Seconds of fitting on the left, error on the validation images on the right, by size."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    time, error = figure.subplots(1, 2)
    for algorithm in ALGORITHMS:
        fits = [record for record in records if record["algorithm"] == algorithm]
        scored = [record for record in fits if "error" in record]
        time.loglog(_sizes(fits), [record["fit_seconds"] for record in fits], "o-", label=algorithm)
        error.loglog(_sizes(scored), [100 * record["error"] for record in scored], "o-")
    time.set(xlabel="images learned from", ylabel="fit, seconds")
    error.set(xlabel="images learned from", ylabel="error on the validation images, %")
    for axes in (time, error):
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.yaxis.set_major_formatter("{x:g}")
    error.yaxis.set_minor_formatter("{x:g}")  # an error may stay within one power of ten
    figure.legend(loc="outside right center")
    figure.savefig(path)


def _sizes(records: list[dict[str, Any]]) -> list[int]:
    return [record["size"] for record in records]
