"""Figures in Markdown: tables, spreads, and the digits that count."""

from collections.abc import Iterable, Sequence
from statistics import median

from tabulate import tabulate

Cells = list[str]


def table(title: str, head: Sequence[str], lines: Iterable[Cells], text: str = "") -> str:
    """A section of the report: a title, what there is to say, and a table."""
    rows = tabulate(list(lines), head, tablefmt="github", disable_numparse=True)
    return "\n".join([f"## {title}", "", *([text, ""] if text else []), rows, ""])


def spread(values: Sequence[float]) -> str:
    """The median of some figures, with the lowest and the highest."""
    return f"{figure(median(values))} ({figure(min(values))} to {figure(max(values))})"


def figure(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"
