"""Comparisons: pure functions of the records of a row."""

from statistics import fmean, median
from typing import Any

from benchmarks.targets import Row

Records = list[dict[str, Any]]


def typical(records: Records, key: str) -> float:
    """The median of a figure."""
    return float(median(record[key] for record in records))


def mean_accuracy(records: Records) -> float:
    """The mean accuracy of the repeats, in percent."""
    return 100 * fmean(record["accuracy"] for record in records)


def interval(accuracy: float, tested: int) -> tuple[float, float]:
    """The 95 % interval of an accuracy on so many images, in percent.

    Repeats do not narrow it: all of them are scored on the same images.
    """
    from mnist_mlflow.evaluation.significance import accuracy_interval

    low, high = accuracy_interval(round(accuracy / 100 * tested), tested)
    return 100 * low, 100 * high


def ratios(row: Row, ours: Records, peer: Records, key: str) -> list[float]:
    """The peer's figure divided by ours, pair by pair: how many times as fast, or as small, ours was.

    Where the peer's measurements are another row's there are no pairs, and its median takes their place.
    """
    theirs = [typical(peer, key)] * len(ours) if row.seeds else [record[key] for record in peer]
    return [other / own[key] for own, other in zip(ours, theirs, strict=True)]


def verdict(reached: bool) -> str:
    """The report's word on a target."""
    return "reached" if reached else "not reached"


def is_accurate(accuracy: float, target: float) -> bool:
    """True if an accuracy in percent reaches a target, but for the last bits of the arithmetic."""
    return round(accuracy, 6) >= target
