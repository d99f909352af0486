"""The two streams of the terminal: lines and tables that fit, warnings in boxes, and progress bars."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from rich.box import HORIZONTALS
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from mnist_mlflow import types
from mnist_mlflow.cli.shell import laid_out, pasteable, typed_here
from mnist_mlflow.errors import printable, without_passwords

WIDEST = 110  # of tables where nobody knows the width


class Terminal(Console):
    """Prints what fits the width and can be pasted, and shows characters that a terminal would obey as escapes.

    Where a stream is no terminal lines stay whole: programs read them, and a pager or an editor breaks them.
    """

    def __init__(self, file: TextIO | None = None, width: int | None = None, *, stderr: bool = False) -> None:
        stream = file or (sys.stderr if stderr else sys.stdout)
        self.has_width = bool(width or stream.isatty() or os.environ.get("COLUMNS"))
        width = width or (None if self.has_width else WIDEST)
        super().__init__(file=file, stderr=stderr, width=width, highlight=False, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """The text, printable."""
        return super().render_str(printable(text), **options)

    def say(self, text: str, hanging: str = "", *, is_whole: bool = False) -> None:
        """Print a text, in which a command at the end of a line works here; further lines begin with `hanging`.

        No line of what `is_whole` is broken.
        """
        width = self.width if self.has_width and not is_whole else None
        self._print_lines(laid_out(text, width, hanging))

    def offer(self, what: str, *commands: str) -> None:
        """Print what commands do, and the commands below it, to be pasted."""
        width = self.width if self.has_width else sys.maxsize
        lines = [line for command in commands for line in pasteable(typed_here(command), width)]
        self._print_lines([f"  {what}", *lines] if what else lines)

    def _print_lines(self, lines: list[str]) -> None:
        self.print("\n".join(lines), soft_wrap=True)


out, err = Terminal(), Terminal(stderr=True)


@contextlib.contextmanager
def work_display() -> Iterator[types.Progress]:
    """Show warnings and, on a terminal, a progress bar for each kind of work; all on stderr.

    The display stops whenever no work is in progress, so that other processes can show theirs.
    """
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
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

    logs, logger = _Logs(), logging.getLogger("mnist_mlflow")
    level = logger.level
    logger.addHandler(logs)
    logger.setLevel(logging.INFO)
    try:
        yield show
    finally:
        logger.removeHandler(logs)
        logger.setLevel(level)
        display.stop()


class _Logs(logging.Handler):
    """Shows a warning so that nobody overlooks it, and information as a line."""

    def emit(self, record: logging.LogRecord) -> None:
        text = without_passwords(record.getMessage())
        if record.levelno < logging.WARNING:
            err.say(text)
        else:
            show_warning(text, record.levelname)


def show_warning(text: str, title: str = "WARNING") -> None:
    """Print a warning on stderr: between rules on a terminal, else as a line behind its title."""
    if err.is_terminal:
        lines = laid_out(text, err.width - 4)
        err.print(Panel("\n".join(lines), HORIZONTALS, title=title, border_style="yellow"))
    else:
        err.say(f"{title}: {text}")
