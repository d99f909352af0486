"""An entry of a selection: a candidate with its correctness, its comparison with the best, and its latency."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mnist_mlflow.evaluation.significance import ALPHA, accuracy_difference, accuracy_interval, holm, mcnemar
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
    """A candidate; `correct` has no seeds until it is read, `ms_per_image` is nan until it is measured.

    `excluded` says why it cannot become champion; it is empty for an entry that takes part.
    """

    candidate: Candidate
    correct: Correct = field(default_factory=lambda: np.empty((0, 0), bool), repr=False)
    comparison: Comparison | None = None
    ms_per_image: float = math.nan
    excluded: str = ""

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Correctness (n,) of the only seed that there is so far."""
        first: npt.NDArray[np.bool_] = self.correct[0]
        return first

    @property
    def accuracy(self) -> float:
        """The share of the images that are read right."""
        return float(self.right.mean())

    @property
    def mistakes(self) -> int:
        """The number of images that are read wrong."""
        return int((~self.right).sum())

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
    p_values = [1.0, *holm([mcnemar(best.right, other.right) for other in others])]
    return [
        dataclasses.replace(
            entry,
            comparison=Comparison(
                accuracy_interval(int(entry.right.sum()), len(entry.right)),
                accuracy_difference(best.right, entry.right),
                p_value,
            ),
        )
        for entry, p_value in zip(entries, p_values, strict=True)
    ]
