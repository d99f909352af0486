"""Readings in the terminal: each row of digits as text, a table of the digits, and what was skipped."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from mnist_mlflow.cli.terminal import Terminal
from mnist_mlflow.data.folders import is_called_picture
from mnist_mlflow.jobs.read import ReadResult
from mnist_mlflow.reports.readings import row_texts

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 25  # of a table
MOST_SKIPPED = 10  # pages
HEAD = ("picture", "row", "column", "digit", "confidence", "sure or why")


def show(console: Terminal, result: ReadResult) -> None:
    """Print the readings, and where all of them are."""
    digits = result.table.dropna(subset="digit")
    console.print(_digits(digits))
    console.print(_rows(digits))
    pages = [page for _, page in result.table[result.table["digit"].isna()].iterrows()]
    for page in sorted(pages, key=lambda page: not is_called_picture(page["picture"]))[:MOST_SKIPPED]:
        console.say(f"skipped: {_name(page)}: {page['why']}")
    if len(pages) > MOST_SKIPPED:
        console.say(f"skipped: and {len(pages) - MOST_SKIPPED} more, all in the file")
    counts = result.metrics
    sure = f"{counts['digits']:.0f} {'digit' if counts['digits'] == 1 else 'digits'}, {counts['sure']:.0f} sure"
    console.say(f"{sure}, by {result.model} in {counts['seconds']:.1f} seconds")
    console.say(f"Written: {result.out}")
    console.say(f"Pictures of it: {result.pictures}")


def _digits(digits: pd.DataFrame) -> Table:
    rest = len(digits) - MOST_ROWS
    table = Table(box=SIMPLE_HEAD, caption=f"and {rest} more digits in the file" if rest > 0 else None)
    for title in HEAD:
        table.add_column(title, justify="right" if title in HEAD[1:5] else "left", overflow="fold")
    shown = [one for _, one in digits.head(MOST_ROWS).iterrows()]
    for name, one in zip(_once(map(_name, shown)), shown, strict=True):
        answer = "sure" if one["sure"] else f"{one['why']}, {one['second']} second"
        places = (str(one[place]) for place in HEAD[1:4])
        table.add_row(name, *places, f"{one['confidence']:.3f}", answer)
    return table


def _rows(digits: pd.DataFrame) -> Table:
    """The rows of digits as text, with question marks for what is doubtful."""
    rows = [
        (_name(page.iloc[0]), str(number), text)
        for _, page in digits.groupby(["picture", "page"], sort=False)
        for number, text in enumerate(row_texts(page), 1)
    ]
    rest = len(rows) - MOST_ROWS
    table = Table(*HEAD[:2], "reads", box=SIMPLE_HEAD, caption=f"and {rest} more rows" if rest > 0 else None)
    for name, (_, number, text) in zip(_once(name for name, _, _ in rows), rows[:MOST_ROWS], strict=False):
        table.add_row(name, number, text)
    return table


def _once(names: Iterable[str]) -> list[str]:
    """The names, each where it comes first: long ones would take lines of their own."""
    return ["" if name == before else name for before, name in pairwise(["", *names])]


def _name(row: pd.Series) -> str:
    return f"{row['picture']} page {row['page']}" if row["page"] > 1 else str(row["picture"])
