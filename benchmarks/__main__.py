"""`python -m benchmarks`: measure all, or some with --only, and write RESULTS.md and results.json beside this file."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import click

from benchmarks.measure.growth import measure_growth
from benchmarks.measure.overhead import measure_overhead
from benchmarks.measure.store import Store, fill, measure_ensemble
from benchmarks.process import run_task
from benchmarks.report.page import write_report
from benchmarks.results import Results, circumstances, keep
from benchmarks.targets import ROWS, Row
from benchmarks.tasks.searches import measure_searches
from benchmarks.tasks.selecting import measure_selecting

HERE = Path(__file__).resolve().parent
PARTS = (*ROWS, "ensemble", "overhead", "growth", "search", "selecting")
PATIENCE = 500  # seconds after which a row is not repeated again
FEWEST_PAIRS = 2


def _parse_parts(context: click.Context, parameter: click.Parameter, value: str | None) -> list[str]:
    names = [name.strip() for name in value.split(",")] if value else list(PARTS)
    for name in names:
        if name not in PARTS:
            raise click.BadParameter(f"there is no {name!r}; accepted: {', '.join(PARTS)}, separated by commas.")
    return [part for part in PARTS if part in names]


@click.command()
@click.option("--only", callback=_parse_parts, help=f"some of {', '.join(PARTS)}; the others keep their figures")
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1), help="pairs of each row at most")
@click.option(
    "--train_size",
    type=click.IntRange(100, 45_000),
    help="learn from so few images, to see whether all works; written into a temporary folder",
)
def main(only: list[str], repeats: int, train_size: int | None) -> None:
    """Measure ours against what a user would pick instead, and write benchmarks/RESULTS.md."""
    folder, measured = Path(tempfile.mkdtemp(prefix="benchmarks-")) if train_size else HERE, circumstances()
    for part, figures in measure(only, repeats, train_size or 0):
        write_report(folder, keep(folder, part, figures, measured))
    click.echo(f"Written: {folder / 'RESULTS.md'}")


def measure(parts: list[str], repeats: int, train_size: int) -> Iterator[tuple[str, Results]]:
    """The figures of each part, as soon as it is measured.

    The rows come first: the peak memory of a process counts from that of the one that started it, and this one
    grows when it reads a store.
    """
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        store = Store(Path(folder), train_size)
        for name in parts:
            if name in ROWS:
                yield name, measure_row(ROWS[name], repeats, store)
        if {"ensemble", "overhead"} & set(parts):
            fill(store)
        if "ensemble" in parts:
            yield "ensemble", measure_ensemble(store)
        if "overhead" in parts:
            yield "overhead", measure_overhead(store)
    if "growth" in parts:
        yield "growth", measure_growth(train_size)
    if "search" in parts:
        with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
            yield "search", measure_searches(Store(Path(folder), train_size))
    if "selecting" in parts:
        yield "selecting", measure_selecting(train_size)


def measure_row(row: Row, repeats: int, store: Store) -> Results:
    """Ours, each time with another seed, and the peer's by turns, in fresh processes.

    In a row that has seeds ours is measured alone, once with each, in a run that the ensemble finds in the store.
    """
    if row.seeds:
        return {
            "ours": [_measure_side("tracked", row, store.train_size, seed=seed, store=store.uri) for seed in row.seeds]
        }
    figures: Results = {"ours": [], "peer": []}
    started = monotonic()
    for pair in range(repeats):
        if pair >= FEWEST_PAIRS and monotonic() - started > PATIENCE:
            break
        figures["ours"].append(_measure_side("ours", row, store.train_size, seed=pair))
        figures["peer"].append(_measure_side("peer", row, store.train_size))
    return figures


def _measure_side(side: str, row: Row, train_size: int, **options: Any) -> dict[str, Any]:
    record: dict[str, Any] = run_task(side, row=row.name, train_size=train_size, **options)
    click.echo(
        f"{row.name}, {side}: {100 * record['accuracy']:.2f} %, "
        f"fit {record['fit_seconds']:.1f} s, prediction {record['predict_seconds']:.1f} s"
    )
    return record


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
