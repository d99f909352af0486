"""`python -m benchmarks`: measure all, or some with --only, and write RESULTS.md and results.json beside this file."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from benchmarks.measure.ensemble import measure_ensemble
from benchmarks.measure.growth import measure_growth
from benchmarks.measure.overhead import measure_overhead
from benchmarks.measure.prediction import measure_prediction
from benchmarks.measure.rows import measure_row
from benchmarks.measure.searches import measure_searches
from benchmarks.measure.seeds import measure_seeds
from benchmarks.measure.selecting import measure_selecting
from benchmarks.measure.serving import measure_serving
from benchmarks.measure.store import Store
from benchmarks.measure.team import measure_team
from benchmarks.measure.training import measure_training
from benchmarks.measure.wild import lacking_folder, measure_wild
from benchmarks.report.page import write_report
from benchmarks.results import Results, circumstances, save_part
from benchmarks.targets import ROWS

HERE = Path(__file__).resolve().parent
OTHERS = {
    "ensemble": measure_ensemble,
    "main": measure_training,
    "overhead": measure_overhead,
    "growth": measure_growth,
    "prediction": measure_prediction,
    "search": measure_searches,
    "selecting": measure_selecting,
    "seeds": measure_seeds,
    "serving": measure_serving,
    "team": measure_team,
    "wild": measure_wild,
}
PARTS = (*ROWS, *OTHERS)


def _parse_parts(context: click.Context, parameter: click.Parameter, value: str | None) -> list[str]:
    names = [name.strip() for name in value.split(",")] if value else list(PARTS)
    for name in names:
        if name not in PARTS:
            raise click.BadParameter(f"there is no {name!r}; accepted: {', '.join(PARTS)}, separated by commas.")
    if "wild" in names and (lack := lacking_folder()):
        if value:
            raise click.BadParameter(lack)
        click.echo(f"Without the part wild: {lack}")
        names.remove("wild")
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
        write_report(folder, save_part(folder, part, figures, measured))
    click.echo(f"Written: {folder / 'RESULTS.md'}")


def measure(parts: list[str], repeats: int, train_size: int) -> Iterator[tuple[str, Results]]:
    """The figures of each part, as soon as it is measured."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        store = Store(Path(folder), train_size)
        for part in parts:
            yield part, OTHERS[part](store) if part in OTHERS else measure_row(ROWS[part], repeats, store)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
