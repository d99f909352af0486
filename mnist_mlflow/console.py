"""How things look in a terminal: progress bars, tables and what to type next."""

from __future__ import annotations

import contextlib
import logging
import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from mnist_mlflow import types

if TYPE_CHECKING:
    import pandas as pd

    from mnist_mlflow.recording import Outcome
    from mnist_mlflow.selection import Selection

LONGEST_TABLE = 20
ONLY_IN_FILES = ("rank", "val precision %", "val recall %", "test f1 %")  # a row fits into 110 characters
NARROWEST = 110
ONLY_IF_WIDE = ("val f1 %", "val ece %", "ms/image", "MB")
SUMMARY = ("accuracy", "log_loss", "ece")

out = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else NARROWEST)
err = Console(stderr=True, highlight=False, markup=False)


@contextlib.contextmanager
def work_display() -> Iterator[types.Progress]:
    """Warnings in boxes, and on a terminal progress bars, one for each thing under way; all on stderr.

    The bars are taken down whenever nothing is under way, since other processes may want to draw theirs.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    bars: dict[str, TaskID] = {}
    display = Progress(*columns, console=err, transient=True, disable=not err.is_terminal)

    def show(what: str, done: int, total: int, note: str = "") -> None:
        if what not in bars:
            bars[what] = display.add_task(what, total=None)
            display.start()
        description = f"{what}: {note}" if note else what
        display.update(bars[what], completed=done, total=total or None, description=description)
        if total and done >= total:
            display.remove_task(bars.pop(what))
        if not bars:
            display.stop()

    box, logger = _Box(), logging.getLogger("mnist_mlflow")
    logger.addHandler(box)
    try:
        yield show
    finally:
        logger.removeHandler(box)
        display.stop()


class _Box(logging.Handler):
    """Shows warnings so that nobody overlooks them."""

    def emit(self, record: logging.LogRecord) -> None:
        err.print(Panel(record.getMessage(), title=record.levelname, border_style="yellow"))


def show_outcome(algorithm: str, outcome: Outcome) -> None:
    """One line for a run that has trained a model."""
    figures = "  ".join(f"val_{name} {outcome.metrics[f'val_{name}']:.4f}" for name in SUMMARY)
    seconds = outcome.metrics["fit_seconds"]
    out.print(f"{algorithm:9} {figures}  fit_seconds {seconds:.1f}  run {outcome.run_id}", soft_wrap=True)
    if outcome.to_go_on:
        out.print(f"The search was cut short. To go on with it: {outcome.to_go_on}", soft_wrap=True)


def show_metrics(model_uri: str, metrics: dict[str, float]) -> None:
    """The test metrics of a model, a line each."""
    out.print(f"{model_uri} on the test images:", soft_wrap=True)
    for name, value in metrics.items():
        out.print(f"  {name:22} {value:.4f}")


def show_selection(selection: Selection) -> None:
    """The leaderboard, the champion and what to type next."""
    out.print(_as_table(selection.table))
    champion, name = selection.champion, selection.registered_model
    for reason in selection.not_scored:
        err.print(f"Not scored: {reason}", soft_wrap=True)
    out.print(f"Champion: {champion.algorithm}, version {selection.version} of {name}. Next:", soft_wrap=True)
    out.print(
        f"""
  load it in Python   mlflow.set_tracking_uri("{selection.store}")
                      mlflow.pyfunc.load_model("{selection.model_uri}").predict(images)
  look at the runs    {_how_to_look(selection.store)}
  score it again      mlflow run . -e evaluate --env-manager local -P model={selection.model_uri}
""",
        soft_wrap=True,
    )


def _how_to_look(store: str) -> str:
    if store.startswith("http"):
        return f"open {store}"
    return f"mlflow ui --backend-store-uri {shlex.quote(store)}"


def _as_table(frame: pd.DataFrame) -> Table:
    left_out_columns = ONLY_IN_FILES if out.width >= NARROWEST else ONLY_IN_FILES + ONLY_IF_WIDE
    shown = frame.drop(columns=list(left_out_columns), errors="ignore")
    left_out = len(frame) - LONGEST_TABLE
    caption = f"and {left_out} more, all in leaderboard.csv of the selection's run" if left_out > 0 else None
    table = Table(title="Leaderboard, by validation accuracy", caption=caption, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for title in shown.columns:
        justify: JustifyMethod = "left" if title in ("algorithm", "run") else "right"
        table.add_column(title.replace("accuracy", "acc."), justify=justify, no_wrap=True)
    for row in shown.fillna("").head(LONGEST_TABLE).itertuples(index=False):
        table.add_row(*(str(value)[:8] for value in row))
    return table
