"""The terminal: progress bars, results as lines and tables, and the commands to type next."""

from __future__ import annotations

import contextlib
import logging
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from mnist_mlflow import types
from mnist_mlflow.errors import UserFacingError, printable, without_passwords

if TYPE_CHECKING:
    import pandas as pd

    from mnist_mlflow.jobs.compare import CompareResult
    from mnist_mlflow.jobs.doctor import Diagnosis
    from mnist_mlflow.jobs.evaluate import Evaluation
    from mnist_mlflow.jobs.main import MainResult
    from mnist_mlflow.jobs.recording import RunResult
    from mnist_mlflow.jobs.recover import Recovery
    from mnist_mlflow.jobs.select import Rollback, Selection

LONGEST_TABLE = 20
MOST_REMARKS = 5  # of a kind
ONLY_IN_FILES = ("rank", "fit s", "val ece %")  # a row fits into 110 characters
NARROWEST = 110
ONLY_IF_WIDE = ("val f1 %", "val log loss", "MB")
SUMMARY = ("accuracy", "log_loss", "ece")
ROLLBACK = "  take it back        mlflow run . -e select --env-manager local -P rollback=1\n"


class _Terminal(Console):
    """Shows characters that a terminal would obey as escapes, wherever in a line or a table."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text), **options)


out = _Terminal(highlight=False, markup=False, width=None if sys.stdout.isatty() else NARROWEST)
err = _Terminal(stderr=True, highlight=False, markup=False)


@contextlib.contextmanager
def work_display() -> Iterator[types.Progress]:
    """Show warnings in boxes and, on a terminal, a progress bar for each kind of work; all on stderr.

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

    box, logger = _Box(), logging.getLogger("mnist_mlflow")
    logger.addHandler(box)
    try:
        yield show
    finally:
        logger.removeHandler(box)
        display.stop()


class _Box(logging.Handler):
    """Shows each warning in a box, so that nobody overlooks it."""

    def emit(self, record: logging.LogRecord) -> None:
        err.print(Panel(without_passwords(record.getMessage()), title=record.levelname, border_style="yellow"))


def show_train(algorithm: str, result: RunResult) -> None:
    """Print a line for a run that has trained a model, and the command that continues its search."""
    figures = "  ".join(f"val_{name} {result.metrics[f'val_{name}']:.4f}" for name in SUMMARY)
    seconds = result.metrics["fit_seconds"]
    out.print(f"{algorithm:9} {figures}  fit_seconds {seconds:.1f}  run {result.run_id}", soft_wrap=True)
    if result.resume_command:
        out.print(f"To go on with the search: {result.resume_command}", soft_wrap=True)


def show_ensemble(result: RunResult) -> None:
    """Print a line for the run of an ensemble."""
    show_train("ensemble", result)


def show_evaluate(evaluation: Evaluation) -> None:
    """Print the test metrics of a model, a line each."""
    out.print(f"{evaluation.model} on the test images:", soft_wrap=True)
    for name, value in evaluation.metrics.items():
        out.print(f"  {name:28} {value:.4f}")
    out.print(f"  {'test_openings':28} {evaluation.openings}")


def show_main(result: MainResult) -> None:
    """Print the selection; raises UserFacingError, which sets the exit status, when an algorithm failed."""
    show_select(result.selection)
    if result.failed:
        raise UserFacingError(result.message)


def show_select(result: Selection | Rollback) -> None:
    """Print the champion that a selection chose, or that a rollback restored."""
    from mnist_mlflow.jobs.select import Rollback

    if not isinstance(result, Rollback):
        _show_selection(result)
        return
    old, new = result.taken_back, result.restored
    if not old:
        out.print(f"Version {new} of {result.model} is champion again. There was no champion to replace.")
        return
    out.print(f"Version {new} of {result.model} is champion again; version {old} is previous.")
    out.print(f"Version {old} does not become champion again by itself. To undo this: the same command.")


def _show_selection(selection: Selection) -> None:
    """The leaderboard, the decision, the runs that were not considered, and the commands to type next."""
    out.print(_as_table(selection.table))
    decision = selection.decision
    for what, text in decision.sentences.items():
        out.print(f"{what:16} {text}", soft_wrap=True)
    for line in _remarks(selection):
        err.print(line, soft_wrap=True)
    if selection.version is None:
        out.print("Nothing was changed: dry_run=1.")
        return
    out.print(f"\nVersion {selection.version} of {selection.model} is {decision.verdict.alias}. Next:")
    from mnist_mlflow.tracking.aliases import CHAMPION  # with MLflow, which `doctor` must do without

    store, ui = selection.store, f"mlflow ui --backend-store-uri {shlex.quote(selection.store)}"
    can_roll_back = decision.verdict.alias == CHAMPION and decision.verdict.champion_before is not None
    out.print(
        f"""
  load the champion   mlflow.set_tracking_uri("{store}")
                      mlflow.pyfunc.load_model("{selection.champion_uri}").predict(images)
  look at the runs    {"open " + store if store.startswith("http") else ui}
  read about it       mlflow run . -e report --env-manager local
{ROLLBACK if can_roll_back else ""}""",
        soft_wrap=True,
    )


def _remarks(selection: Selection) -> Iterator[str]:
    """Facts that somebody might overlook."""
    decision, scores = selection.decision, selection.test_scores
    if selection.repaired:
        yield "An earlier selection had been killed; what it had begun was finished."
    yield from _some("Left out", [entry.exclusion for entry in decision.choice.excluded])
    yield from _some("Not comparable", [other.text for other in decision.not_comparable])
    newer = [f"{run.algorithm}, run {run.run_id[:8]}: {run.reason}" for run in decision.unconsidered]
    yield from _some("Newer than the champion, and not considered", newer)
    yield from _some("Not scored", scores.failures)
    if scores.openings:
        times = "once" if scores.openings == 1 else f"{scores.openings} times"
        yield f"The test images of this split have been opened {times}."


def _some(title: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines[:MOST_REMARKS]:
        yield f"{title}: {line}"
    if len(lines) > MOST_REMARKS:
        yield f"{title}: and {len(lines) - MOST_REMARKS} more, all in decision.json of the selection's run"


def show_doctor(diagnoses: Sequence[Diagnosis]) -> None:
    """Print a line for each check; raises UserFacingError, which sets the exit status, if a problem is left."""
    for diagnosis in diagnoses:
        out.print(f"{diagnosis.state:8} {diagnosis.check:13} {diagnosis.text}", soft_wrap=True)
    if problems := [diagnosis.check for diagnosis in diagnoses if diagnosis.state == "problem"]:
        raise UserFacingError(f"Not well: {', '.join(problems)}.")


def show_report(path: Path) -> None:
    """Print where the report is."""
    out.print(f"Written: {path}", soft_wrap=True)


def show_compare(result: CompareResult) -> None:
    """Print a comparison."""
    from mnist_mlflow.cli.compared import show  # with pandas and MLflow, which `doctor` must do without

    show(out, result)


def show_recover(recovery: Recovery) -> None:
    """Print the runs that are complete now; raises UserFacingError where an upload failed once more."""
    for run_id in recovery.complete:
        out.print(f"Uploaded: run {run_id} is complete.", soft_wrap=True)
    for reason in recovery.waiting:
        err.print(reason, soft_wrap=True)
    if recovery.failed:
        raise UserFacingError("\n".join(recovery.failed))
    if not recovery.complete and not recovery.waiting:
        out.print("Nothing waits to be uploaded.")


def _as_table(frame: pd.DataFrame) -> Table:
    left_out_columns = ONLY_IN_FILES if out.width >= NARROWEST else ONLY_IN_FILES + ONLY_IF_WIDE
    shown = frame.drop(columns=list(left_out_columns), errors="ignore")
    left_out = len(frame) - LONGEST_TABLE
    caption = f"and {left_out} more, all in leaderboard.csv of the selection's run" if left_out > 0 else None
    title = "Leaderboard, by accuracy on the validation images"
    table = Table(title=title, caption=caption, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in shown.columns:
        justify: JustifyMethod = "left" if column in ("algorithm", "run") else "right"
        short = column.removeprefix("val ").removesuffix(" interval").removesuffix(", points")
        table.add_column(short, justify=justify, no_wrap=True)
    for row in shown.fillna("").head(LONGEST_TABLE).itertuples(index=False):
        *figures, run = map(str, row)
        table.add_row(*figures, run[:8])
    return table
