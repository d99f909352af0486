"""A reproduction in the terminal: its verdict, and the tables that speak for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

if TYPE_CHECKING:
    from mnist_mlflow.reports.reproduction import Reproduction, Rows

METRICS = ("val_accuracy", "val_log_loss", "val_ece", "val_f1_macro", "fit_seconds", "predict_ms_per_image", "model_mb")
DIGEST = re.compile(r"[0-9a-f]{40,}")
MOST = 12  # rows of a table; all are in the files of the run


def shown(reproduction: Reproduction) -> Iterator[str | Table]:
    """The lines and the tables, in order."""
    old, new, verdict = reproduction.old, reproduction.new, reproduction.verdict
    yield f"{verdict.word}: {verdict.reason}."
    metrics = [row for name in METRICS for row in reproduction.metrics if row[0] == name]
    yield _table("Metrics", ("metric", "recorded", "now", "difference"), metrics)
    if not verdict.is_equal:
        yield f"Largest difference of a probability: {verdict.largest:.3g}, at validation image {verdict.where}."
    if images := reproduction.changed_images:
        head = ("image", "label", "read as", "confidence", "read now as", "confidence now")
        yield _table(f"{len(images)} of {len(reproduction.labels):,} images are read as another digit", head, images)
    elif not verdict.is_equal:
        yield f"All {len(reproduction.labels):,} validation images are read as the same digits."
    yield from _trials(reproduction)
    if members := reproduction.members_again:
        yield _table("Members", ("member", "made again as", "verdict", "largest difference"), members)
    if differing := [(one.kind, one.name, *map(_short, one.values)) for one in reproduction.differences]:
        title = "What differs" if verdict.is_equal else "What differs, and may explain it"
        yield _table(title, ("kind", "what", "recorded", "now"), differing)
    else:
        yield f"The same in both runs: {', '.join(reproduction.known_kinds)}."
    yield from reproduction.remarks
    yield f"recorded  run {old.run_id}\nnow       run {new.run_id}\nverdict   run {reproduction.run_id}"


def _trials(reproduction: Reproduction) -> Iterator[str]:
    trials = reproduction.trials
    if not trials:
        return
    yield f"{reproduction.same_trials} of {len(trials)} trials came out the same."
    first = next(((number, changed) for number, *_, changed in trials if changed), None)
    if first:
        yield "The first that did not is trial {}: {}".format(*first)


def _short(value: str) -> str:
    """The value; of a digest its beginning."""
    return value[:10] if DIGEST.fullmatch(value) else value


def _table(title: str, head: Sequence[str], rows: Rows) -> Table:
    """A table of the first rows, whose cells may be anybody's text."""
    caption = f"and {len(rows) - MOST} more, in the files of the run" if len(rows) > MOST else None
    table = Table(title=title, title_justify="left", caption=caption, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows[:MOST]:
        table.add_row(*row)
    return table
