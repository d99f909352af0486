"""The verdict on a model that was trained again: how alike its probabilities are to those of the first one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_mlflow.evaluation.significance import ALPHA, PairedTest, paired_test
from mnist_mlflow.types import Labels, Probabilities

IDENTICAL = "identical"
WITHIN_TOLERANCE = "equal within tolerance"
NOT_DIFFERENT = "not significantly different"
DIFFERENT = "different"


@dataclass(frozen=True)
class Verdict:
    """One of the four words above, and the figures that it was decided by.

    `largest` is the largest difference of two probabilities, of image `where`. `changed` are the images that are read
    as another digit. Both are rows of the validation images. `test` is about the second accuracy minus the first.
    """

    word: str
    tolerance: float
    largest: float
    where: int
    changed: tuple[int, ...]
    test: PairedTest

    @property
    def is_equal(self) -> bool:
        """True where no probability differs by more than the tolerance."""
        return self.word in (IDENTICAL, WITHIN_TOLERANCE)

    @property
    def reason(self) -> str:
        """The figures in words."""
        if self.word == IDENTICAL:
            return "every probability of every validation image is the same"
        if self.word == WITHIN_TOLERANCE:
            return f"no probability differs by more than {self.largest:.2g}, and {self.tolerance:g} is the tolerance"
        test = self.test
        mean, low, high = (f"{100 * value:+.2f}" for value in (test.mean, test.low, test.high))
        return (
            f"probabilities differ by up to {self.largest:.2g}, the tolerance is {self.tolerance:g}; "
            f"accuracy {mean} points (95 %: {low} to {high}), p {test.p_value:.2g}"
        )


def judge(labels: Labels, old: Probabilities, new: Probabilities, tolerance: float) -> Verdict:
    """The verdict on probabilities (n, 10) of the images with these labels (n,), beside the old ones (n, 10)."""
    differences = np.abs(new - old).max(axis=1)
    where, readings = int(differences.argmax()), (old.argmax(axis=1), new.argmax(axis=1))
    test = paired_test(*((reading == labels)[None] for reading in readings))
    largest = float(differences[where])
    if np.array_equal(old, new):
        word = IDENTICAL
    elif largest <= tolerance:
        word = WITHIN_TOLERANCE
    else:
        word = DIFFERENT if test.p_value < ALPHA else NOT_DIFFERENT
    changed = tuple(int(row) for row in np.flatnonzero(readings[0] != readings[1]))
    return Verdict(word, tolerance, largest, where, changed, test)
