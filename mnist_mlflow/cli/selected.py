"""A selection in the terminal: the leaderboard, the decision, what somebody might overlook, and what to type next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.table import Table

from mnist_mlflow.cli.terminal import Terminal
from mnist_mlflow.jobs.applying import Applied
from mnist_mlflow.jobs.select import Selection
from mnist_mlflow.protocol import REGISTERED_MODEL
from mnist_mlflow.reports.figures import openings_text
from mnist_mlflow.selection.outcome import Ruling
from mnist_mlflow.selection.rule import Verdict
from mnist_mlflow.selection.test_images import TestScores
from mnist_mlflow.tracking.aliases import CHAMPION
from mnist_mlflow.tracking.servers import is_server
from mnist_mlflow.tracking.signatures import signature_rows
from mnist_mlflow.tracking.unconsidered import UnconsideredRun

if TYPE_CHECKING:
    import pandas as pd

TOPIC = 16  # the width of what a sentence is about
SENTENCE = re.compile(r"(?<=\.)\s")  # the end of one
LONGEST_TABLE = 20
MOST_REMARKS = 5  # of a kind
ONLY_IN_FILES = ("rank", "fit s", "val ece %", "val f1 %", "wrong of sure %")
LEAST_NEEDED = ("vs best, points", "MB", "val log loss", "95 % interval")  # left out in this order, where it is narrow


def show_selection(out: Terminal, err: Terminal, selection: Selection) -> None:
    """The runs that were not considered, the leaderboard, the decision, and the commands to type next."""
    decision = selection.decision
    for line in _remarks(selection):
        err.say(line)
    _show_decision(out, selection.table, decision.sentences)
    if selection.version is None:
        who = f"any account that may change {selection.names.registered_model}"
        out.say(f"Nothing was changed: dry_run=1. To carry it out, from {who}:")
        out.offer("", selection.names.command("select", {"apply": selection.run_id}))
        return
    _show_next(out, decision.verdict, selection.version, selection)


def show_applied(out: Terminal, err: Terminal, applied: Applied) -> None:
    """The leaderboard, the decision of a dry run with its signature, and the commands to type next."""
    ruling, done = applied.outcome.ruling, applied.done
    for line in _scoring(done.scores):
        err.say(line)
    _show_decision(out, done.table, {**ruling.sentences, **dict(signature_rows(ruling.signed))})
    _show_next(out, ruling, done.version, applied)


def _show_decision(out: Terminal, table: pd.DataFrame, sentences: Mapping[str, str]) -> None:
    out.print(leaderboard_table(table, out.width))
    for what, text in sentences.items():
        out.say(f"{what:{TOPIC}} {text}", hanging=" " * (TOPIC + 1))


def _show_next(out: Terminal, verdict: Verdict | Ruling, version: str, result: Selection | Applied) -> None:
    """The version that was registered, and what to type next: it works as it is, once it is pasted."""
    names = result.names
    model, was_champion = names.registered_model, verdict.champion_before == version
    out.say(f"\nVersion {version} of {model} {'stays' if was_champion else 'is'} {verdict.alias}. Next:\n")
    named = "" if model == REGISTERED_MODEL else f'registered_model="{model}"'
    out.offer("load the champion, in Python", f"import mnist_mlflow; champion = mnist_mlflow.load({named})")
    _offer_runs(out, result.store, result.ui)
    out.offer("read about it", names.command("report"))
    if verdict.alias == CHAMPION and verdict.champion_before is not None and not was_champion:
        out.offer("take it back", names.command("select", {"rollback": 1}))


def _offer_runs(out: Terminal, store: str, address: str) -> None:
    """The address of the runs, which is no command, and what has to answer there."""
    if is_server(store):
        out.say(f"  look at the runs: open {address}", is_whole=True)
        return
    out.offer("look at the runs", "python -m mnist_mlflow ui")
    out.say(f"  then open {address}", is_whole=True)


def _remarks(selection: Selection) -> Iterator[str]:
    """Facts that somebody might overlook."""
    decision = selection.decision
    if selection.repaired:
        yield "An earlier selection had been killed; what it had begun was finished."
    yield from _some("Left out", [entry.exclusion for entry in decision.choice.excluded])
    yield from _some("Not comparable", [other.text for other in decision.not_comparable])
    yield from _some("Newer than the champion, and not considered", _by_reason(decision.unconsidered))
    yield from _scoring(selection.test_scores)


def _by_reason(runs: Sequence[UnconsideredRun]) -> list[str]:
    """A line for each reason, with its runs; the beginning of a reason that goes on, as for a download."""
    named: dict[str, list[str]] = {}
    for run in runs:
        named.setdefault(SENTENCE.split(run.reason)[0], []).append(f"{run.algorithm} {run.run_id[:8]}")
    return [f"{', '.join(names)}: {reason}" for reason, names in named.items()]


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
