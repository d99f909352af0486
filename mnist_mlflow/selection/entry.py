"""An entry of a selection: a model, or one of several seeds, with its correctness, its comparison and its latency."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mnist_mlflow.evaluation.significance import ALPHA, accuracy_interval, holm, paired_test
from mnist_mlflow.tracking.candidates import Candidate

Correct = npt.NDArray[np.bool_]  # (seeds, images): which validation images are read right


@dataclass(frozen=True)
class Comparison:
    """The 95 % interval of an accuracy, its difference to the best (mean, low, high), and Holm's p-value."""

    interval: tuple[float, float]
    difference: tuple[float, float, float]
    p_value: float

    @property
    def is_worse(self) -> bool:
        """True if the entry is significantly worse than the best."""
        return self.p_value < ALPHA and self.difference[0] < 0


@dataclass(frozen=True, eq=False)
class Entry:
    """A candidate, and the `others` of its configuration, which differ from it in nothing but the seed.

    `correct` has the candidate's row first, and no rows until it is read. `ms_per_image` is nan until it is measured.
    `excluded` says why it cannot become champion; it is empty for an entry that takes part.
    """

    candidate: Candidate
    correct: Correct = field(default_factory=lambda: np.empty((0, 0), bool), repr=False)
    comparison: Comparison | None = None
    ms_per_image: float = math.nan
    excluded: str = ""
    others: tuple[Candidate, ...] = ()

    @property
    def members(self) -> tuple[Candidate, ...]:
        """The runs of all seeds, the one that would be promoted first."""
        return self.candidate, *self.others

    @property
    def run_ids(self) -> set[str]:
        """The ids of the runs of all seeds."""
        return {member.run_id for member in self.members}

    @property
    def spread(self) -> float:
        """The standard deviation of the accuracies of the seeds, of which there are several."""
        return float(self.correct.mean(axis=1).std(ddof=1))

    @property
    def accuracy(self) -> float:
        """The share of the images that are read right, the mean over the seeds."""
        return float(self.correct.mean())

    @property
    def mistakes(self) -> float:
        """The number of images that are read wrong, the mean over the seeds."""
        return float((~self.correct).sum() / len(self.correct))

    @property
    def most_mistakes(self) -> int:
        """The number of images that the worst of the seeds reads wrong."""
        return int((~self.correct).sum(axis=1).max())

    @property
    def is_measured(self) -> bool:
        """True if its latency is known, which makes it a finalist."""
        return not math.isnan(self.ms_per_image)

    @property
    def exclusion(self) -> str:
        """Its run, and why it cannot become champion."""
        return f"{self.candidate.algorithm}, run {self.candidate.run_id[:8]}: {self.excluded}"


def compare_with_best(entries: Sequence[Entry]) -> list[Entry]:
    """The entries, each compared with the first, which is the best; p-values are corrected for their number."""
    best, *others = entries
    tests = [paired_test(best.correct, other.correct) for other in others]
    differences = [(0.0, 0.0, 0.0), *((test.mean, test.low, test.high) for test in tests)]
    p_values = [1.0, *holm([test.p_value for test in tests])]
    images = best.correct.shape[1]
    intervals = [accuracy_interval(round(entry.accuracy * images), images) for entry in entries]
    return [
        dataclasses.replace(entry, comparison=Comparison(interval, difference, p_value))
        for entry, interval, difference, p_value in zip(entries, intervals, differences, p_values, strict=True)
    ]
