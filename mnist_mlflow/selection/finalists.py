"""The finalists side by side: a table of their pairs, and their points of accuracy, latency and size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from mnist_mlflow.evaluation.disagreement import only_first_right
from mnist_mlflow.evaluation.pareto import Point
from mnist_mlflow.evaluation.significance import holm, paired_test
from mnist_mlflow.selection.entry import Entry
from mnist_mlflow.selection.rule import Choice

if TYPE_CHECKING:
    import pandas as pd


def pairwise(entries: Sequence[Entry]) -> pd.DataFrame:
    """Each pair of entries: the images that one alone reads right, the difference, and the p-values, Holm's too.

    The images are a mean over the pairs of seeds, as a whole number.
    """
    import pandas as pd

    pairs = list(combinations(entries, 2))
    tests = [paired_test(second.correct, first.correct) for first, second in pairs]
    rows = []
    for (first, second), test, corrected in zip(pairs, tests, holm([test.p_value for test in tests]), strict=True):
        rows.append(
            {
                "first": _name(first, 8),
                "second": _name(second, 8),
                "only first right": round(only_first_right(first.correct, second.correct)),
                "only second right": round(only_first_right(second.correct, first.correct)),
                "difference": test.mean,
                "low": test.low,
                "high": test.high,
                "p": test.p_value,
                "p corrected": corrected,
            }
        )
    return pd.DataFrame(rows)


def points(choice: Choice) -> list[Point]:
    """The finalists as points of accuracy, latency and size."""
    return [
        Point(
            _name(entry, 4),
            entry.accuracy,
            entry.ms_per_image,
            entry.candidate.metrics.get("model_mb", 0.0),
            entry is choice.winner,
        )
        for entry in choice.finalists
    ]


def _name(entry: Entry, digits: int) -> str:
    return f"{entry.candidate.algorithm} {entry.candidate.run_id[:digits]}"
