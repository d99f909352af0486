"""A selection in the terminal: the leaderboard, the decision, what somebody might overlook, and what to type next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.table import Table

from mnist_mlflow.jobs.applying import Applied
from mnist_mlflow.jobs.select import Selection
from mnist_mlflow.protocol import Names
from mnist_mlflow.reports.figures import openings_text
from mnist_mlflow.selection.outcome import Ruling
from mnist_mlflow.selection.rule import Verdict
from mnist_mlflow.selection.test_images import TestScores
from mnist_mlflow.tracking.aliases import CHAMPION
from mnist_mlflow.tracking.registry import alias_uri
from mnist_mlflow.tracking.servers import is_server
from mnist_mlflow.tracking.signatures import signature_rows

if TYPE_CHECKING:
    import pandas as pd

LONGEST_TABLE = 20
MOST_REMARKS = 5  # of a kind
ONLY_IN_FILES = ("rank", "fit s", "val ece %", "val f1 %", "wrong of sure %")
LEAST_NEEDED = ("vs best, points", "MB", "val log loss", "95 % interval")  # left out in this order, where it is narrow


def show_selection(out: Console, err: Console, selection: Selection) -> None:
    """The leaderboard, the decision, the runs that were not considered, and the commands to type next."""
    out.print(leaderboard_table(selection.table, out.width))
    decision = selection.decision
    for what, text in decision.sentences.items():
        out.print(f"{what:16} {text}", soft_wrap=True)
    for line in _remarks(selection):
        err.print(line, soft_wrap=True)
    if selection.version is None:
        apply = selection.names.command("select", {"apply": selection.run_id})
        who = f"any account that may change {selection.names.registered_model}"
        out.print(f"Nothing was changed: dry_run=1. To carry it out, from {who}:\n  {apply}", soft_wrap=True)
        return
    _show_next(out, selection.names, selection.version, decision.verdict, selection)


def show_applied(out: Console, err: Console, applied: Applied) -> None:
    """The leaderboard, the decision of a dry run with its signature, and the commands to type next."""
    ruling, done = applied.outcome.ruling, applied.done
    out.print(leaderboard_table(done.table, out.width))
    for what, text in [*ruling.sentences.items(), *signature_rows(ruling.signed)]:
        out.print(f"{what:16} {text}", soft_wrap=True)
    for line in _scoring(done.scores):
        err.print(line, soft_wrap=True)
    _show_next(out, applied.names, done.version, ruling, applied)


def _show_next(
    out: Console, names: Names, version: str, verdict: Verdict | Ruling, result: Selection | Applied
) -> None:
    """The version that was registered, and the commands to type next."""
    model, store = names.registered_model, result.store
    can_roll_back = verdict.alias == CHAMPION and verdict.champion_before is not None
    take_back = f"  take it back        {names.command('select', {'rollback': 1})}\n"
    out.print(
        f"""
Version {version} of {model} is {verdict.alias}. Next:

  load the champion   mlflow.set_tracking_uri("{store}")
                      mlflow.pyfunc.load_model("{alias_uri(CHAMPION, model)}").predict(images)
  look at the runs    {"" if is_server(store) else "python -m mnist_mlflow ui, then "}open {result.ui}
  read about it       {names.command("report")}
{take_back if can_roll_back else ""}""",
        soft_wrap=True,
    )


def _remarks(selection: Selection) -> Iterator[str]:
    """Facts that somebody might overlook."""
    decision = selection.decision
    if selection.repaired:
        yield "An earlier selection had been killed; what it had begun was finished."
    yield from _some("Left out", [entry.exclusion for entry in decision.choice.excluded])
    yield from _some("Not comparable", [other.text for other in decision.not_comparable])
    newer = [f"{run.algorithm}, run {run.run_id[:8]}: {run.reason}" for run in decision.unconsidered]
    yield from _some("Newer than the champion, and not considered", newer)
    yield from _scoring(selection.test_scores)


def _scoring(scores: TestScores) -> Iterator[str]:
    """Facts about the scores on the test images."""
    yield from _some("Not scored", scores.failures)
    if scores.openings:
        yield openings_text(scores.openings)


def _some(title: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines[:MOST_REMARKS]:
        yield f"{title}: {line}"
    if len(lines) > MOST_REMARKS:
        yield f"{title}: and {len(lines) - MOST_REMARKS} more, all in decision.json of the selection's run"


def leaderboard_table(frame: pd.DataFrame, width: int) -> Table:
    """The leaderboard with as many columns as a terminal of that width has room for."""
    shown = frame.drop(columns=[*ONLY_IN_FILES], errors="ignore").fillna("").head(LONGEST_TABLE)
    left_out = len(frame) - LONGEST_TABLE
    caption = f"and {left_out} more, all in leaderboard.csv of the selection's run" if left_out > 0 else None
    for column in LEAST_NEEDED:
        table = _as_table(shown, caption)
        if Console(width=1_000).measure(table).maximum <= width:
            return table
        shown = shown.drop(columns=column, errors="ignore")
    return _as_table(shown, caption)


def _as_table(shown: pd.DataFrame, caption: str | None) -> Table:
    title = "Leaderboard, by accuracy on the validation images"
    table = Table(title=title, caption=caption, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in shown.columns:
        justify: JustifyMethod = "left" if column in ("algorithm", "run") else "right"
        short = column.removeprefix("val ").removesuffix(" interval").removesuffix(", points")
        table.add_column(short, justify=justify, no_wrap=True)
    for row in shown.itertuples(index=False):
        *figures, run = map(str, row)
        table.add_row(*figures, run[:8])
    return table
