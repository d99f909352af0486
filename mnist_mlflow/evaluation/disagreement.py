"""Disagreement between models on the same images: what only one of them reads right, and how certain that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_mlflow.evaluation.significance import (
    Correct,
    PairedTest,
    accuracy_interval,
    holm,
    paired_difference,
    paired_test,
)
from mnist_mlflow.types import Labels


@dataclass(frozen=True, eq=False)
class Answers:
    """The probabilities (seeds, n, 10) of models that differ in nothing but the seed, for images with labels (n,)."""

    labels: Labels
    probabilities: npt.NDArray[np.float64]

    @property
    def correct(self) -> Correct:
        """Correctness (seeds, n)."""
        correct: Correct = self.probabilities.argmax(axis=2) == self.labels
        return correct

    @property
    def losses(self) -> npt.NDArray[np.float64]:
        """The log loss in nats of each image (n,), as a mean over the seeds."""
        true = self.probabilities[:, np.arange(len(self.labels)), self.labels]
        losses: npt.NDArray[np.float64] = -np.log(np.maximum(true, np.finfo(np.float64).eps)).mean(axis=0)
        return losses

    @property
    def digits(self) -> npt.NDArray[np.intp]:
        """The digit (n,) that the seeds together hold most likely."""
        digits: npt.NDArray[np.intp] = self.probabilities.mean(axis=0).argmax(axis=1)
        return digits

    @property
    def confidence(self) -> npt.NDArray[np.float64]:
        """The probability (n,) that the seeds together give to that digit."""
        highest: npt.NDArray[np.float64] = self.probabilities.mean(axis=0).max(axis=1)
        return highest

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy that so many images allow."""
        return accuracy_interval(round(self.correct.mean(axis=0).sum()), len(self.labels))


@dataclass(frozen=True)
class Disagreement:
    """The disagreement of two models: images that one alone reads right, and the first's figures minus the second's.

    Of several seeds the numbers of images are means over the pairs of seeds. `p_corrected` is Holm's.
    """

    only_first: float
    only_second: float
    accuracy: PairedTest
    p_corrected: float
    log_loss: tuple[float, float, float]  # mean, low, high
    is_none: bool  # all probabilities are the same


def disagreements(pairs: Sequence[tuple[Answers, Answers]]) -> list[Disagreement]:
    """The disagreement of each pair about its images; p-values are corrected for the number of pairs."""
    tests = [paired_test(second.correct, first.correct) for first, second in pairs]
    corrected = holm([test.p_value for test in tests])
    return [_disagreement(*pair, test, p_value) for pair, test, p_value in zip(pairs, tests, corrected, strict=True)]


def _disagreement(first: Answers, second: Answers, test: PairedTest, p_corrected: float) -> Disagreement:
    return Disagreement(
        only_first_right(first.correct, second.correct),
        only_first_right(second.correct, first.correct),
        test,
        p_corrected,
        paired_difference(second.losses, first.losses),
        np.array_equal(first.probabilities, second.probabilities),
    )


def only_first_right(first: Correct, second: Correct) -> float:
    """The images that the first alone reads right: their number, of several seeds its mean over the pairs of seeds."""
    return float((first.mean(axis=0) * (1 - second.mean(axis=0))).sum())


def rows_only_first_reads(first: Answers, second: Answers) -> list[int]:
    """The images that every seed of the first and none of the second reads right, the most confident first.

    Most confident: by the sum of both confidences in what they read.
    """
    rows = np.flatnonzero(first.correct.all(axis=0) & ~second.correct.any(axis=0))
    confidence = (first.confidence + second.confidence)[rows]
    return [int(row) for row in rows[np.argsort(-confidence, kind="stable")]]
