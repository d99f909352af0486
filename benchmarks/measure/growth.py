"""How cost and error grow with the number of images learned from: growth.png."""

from pathlib import Path
from typing import Any

import click

from benchmarks.process import run_task
from benchmarks.targets import ALGORITHMS

SIZES = (1_000, 3_000, 10_000, 30_000, 60_000)
DRAWN = {
    "fit_seconds": "fit, seconds",
    "predict_seconds": "prediction of 10,000 images, seconds",
    "error": "error on the validation images",
}


def measure_growth(train_size: int) -> dict[str, Any]:
    """A fit of each algorithm for each size (0: SIZES; otherwise this one)."""
    records = []
    for size in [train_size] if train_size else SIZES:
        for algorithm in ALGORITHMS:
            records.append(run_task("growth", algorithm=algorithm, size=size))
            click.echo(f"growth, {algorithm}, {size:,} images: {records[-1]['fit_seconds']:.1f} s")
    return {"records": records}


def draw(records: list[dict[str, Any]], path: Path) -> None:
    """Seconds of fitting, seconds of predicting, and error on the validation images, side by side, by size."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter, StrMethodFormatter

    figure = Figure(figsize=(13, 4.5), layout="constrained")
    for axes, (key, label) in zip(figure.subplots(1, len(DRAWN)), DRAWN.items(), strict=True):
        for algorithm in ALGORITHMS:
            found = [record for record in records if record["algorithm"] == algorithm and key in record]
            axes.loglog([record["size"] for record in found], [record[key] for record in found], "o-", label=algorithm)
        axes.set(xlabel="images learned from", ylabel=label)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        written = PercentFormatter(1) if key == "error" else StrMethodFormatter("{x:g}")
        axes.yaxis.set_major_formatter(written)
        if key != "fit_seconds":  # the others may stay within one power of ten
            axes.yaxis.set_minor_formatter(written)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center")
    figure.savefig(path)
