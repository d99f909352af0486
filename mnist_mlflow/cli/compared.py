"""A comparison in the terminal: the answer, then each section as a table that fits the width."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from mnist_mlflow.cli.terminal import Terminal
from mnist_mlflow.jobs.compare import CompareResult
from mnist_mlflow.reports.figures import with_short_digests
from mnist_mlflow.reports.sections import Section

NARROWEST = 8  # a column
LINES = 3  # that a value may take
MOST_ROWS = 25


def show(console: Terminal, result: CompareResult) -> None:
    """Print a comparison, and where the page is that shows all of it."""
    for sentence in result.comparison.answer:
        console.say(sentence)
    for section in result.comparison.sections:
        console.say(f"\n{section.title}. {section.text}" if section.text else f"\n{section.title}")
        if section.rows:
            console.print(_table(section, console.width))
        if section.code:
            console.print(section.code, soft_wrap=True)
    console.say(f"\nWritten: {result.out}")


def _table(section: Section, width: int) -> Table:
    rest = len(section.rows) - MOST_ROWS
    caption = f"and {rest} more rows on the page" if rest > 0 else None
    longest = LINES * max(NARROWEST, width // len(section.head) - 2)
    rows = [section.head, *(_cells(row, longest) for row in section.rows[:MOST_ROWS])]
    padding = 1 if any(_widths(rows, width - 2 * len(section.head) - 1)) else 0
    widths = _widths(rows, width - (1 + padding) * len(section.head) - 1)  # the box takes the rest
    table = Table(box=SIMPLE_HEAD, padding=(0, padding, 0, 0), caption=caption)
    for title, room in zip(section.head, widths, strict=True):
        table.add_column(title, overflow="fold", width=room)
    for row in rows[1:]:
        table.add_row(*row)
    return table


def _widths(rows: Sequence[Sequence[str]], room: int) -> list[int | None]:
    """Widths of columns that break no word; the last ones are as wide as their cells. None where there is no room."""
    columns = list(zip(*rows, strict=True))
    widths = [max(len(word) for cell in column for word in cell.split() or [""]) for column in columns]
    rest = room - sum(widths)
    if rest < 0:
        return [None for _ in columns]
    for number, column in reversed([*enumerate(columns)]):
        extra = min(rest, max(map(len, column)) - widths[number])
        widths[number], rest = widths[number] + extra, rest - extra
    return [*widths]


def _cells(row: Sequence[str], longest: int) -> list[str]:
    return [_shortened(with_short_digests(cell), longest) for cell in row]


def _shortened(text: str, longest: int) -> str:
    """A text without its middle if it is too long."""
    half = (longest - 3) // 2
    return text if len(text) <= longest else f"{text[:half]} … {text[-half:]}"
