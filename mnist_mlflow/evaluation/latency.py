"""Milliseconds an image, of one model or of several side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any, Protocol, TypeVar, runtime_checkable

from mnist_mlflow.types import Images, Progress, silent

BATCH = 1_000  # images
ROUNDS = 7

Name = TypeVar("Name")


@runtime_checkable
class TimesItself(Protocol):
    """A predictor in another process, which leaves the way there and back out of its time."""

    def seconds(self, images: Images) -> float:
        """The seconds of a prediction."""


def ms_per_image(
    predictors: Mapping[Name, Callable[[Images], Any]], images: Images, progress: Progress = silent
) -> dict[Name, float]:
    """Median milliseconds an image of each predictor, from raw pixels on, over seven batches of up to a thousand.

    The predictors take turns, so that other work of the machine hits all alike. Each has to have predicted once
    before: work that is done once does not count.
    """
    batch = images[:BATCH]
    seconds: dict[Name, list[float]] = {name: [] for name in predictors}
    for turn in range(ROUNDS):
        for name, predict in predictors.items():
            seconds[name].append(_seconds(predict, batch))
        progress("measure their latency", turn + 1, ROUNDS)
    return {name: 1000 * median(rounds) / len(batch) for name, rounds in seconds.items()}


def _seconds(predict: Callable[[Images], Any] | TimesItself, batch: Images) -> float:
    if isinstance(predict, TimesItself):
        return predict.seconds(batch)
    started = time.perf_counter()
    predict(batch)
    return time.perf_counter() - started
