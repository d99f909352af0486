"""Pairs of sides that are scored on the same images: which is better, in a sentence and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from mnist_mlflow.evaluation.disagreement import Answers, Disagreement, disagreements
from mnist_mlflow.evaluation.significance import ALPHA
from mnist_mlflow.reports.figures import bounds, p_text
from mnist_mlflow.reports.sections import Section
from mnist_mlflow.tracking.sides import Side

TEXT = (
    "The first minus the second, in points of accuracy and in nats of log loss. p: how likely two equally good models "
    "differ by as much, by McNemar's exact test, or of several seeds by a test over images and seeds. "
    "Holm: corrected for the number of pairs. The interval of the log loss is over the images alone."
)
HEAD = ("first", "second", "only first right", "only second right", "points", "95 %", "p", "Holm", "nats", "95 %")


@dataclass(frozen=True)
class Pair:
    """Two sides that are scored on the same images, with their answers."""

    first: Side
    second: Side
    answers: tuple[Answers, Answers]
    disagreement: Disagreement

    @property
    def sentence(self) -> str:
        """The difference in words."""
        test, first, second = self.disagreement.accuracy, self.first.label, self.second.label
        if self.disagreement.is_none:
            return f"{first} and {second} give every image the same probabilities."
        sign = 1 if test.mean >= 0 else -1
        low, high = sorted((sign * test.low, sign * test.high))
        figures = f"{100 * abs(test.mean):.2f} points ({bounds(low, high, 'z.2f', 100)}), {self._p_text}"
        better, worse = (first, second) if sign > 0 else (second, first)
        if self.disagreement.p_corrected < ALPHA:
            return f"{better} is better than {worse} by {figures}."
        return f"{better} and {worse} cannot be told apart: {figures}."

    @property
    def _p_text(self) -> str:
        p_value, is_corrected = (
            self.disagreement.p_corrected,
            self.disagreement.p_corrected != self.disagreement.accuracy.p_value,
        )
        text = p_text(p_value)
        return f"p {text if '<' in text else f'= {text}'}{' by Holm' if is_corrected else ''}"

    @property
    def row(self) -> list[str]:
        """The difference in figures."""
        test, (loss, low, high) = self.disagreement.accuracy, self.disagreement.log_loss
        return [
            self.first.label,
            self.second.label,
            _count(self.disagreement.only_first),
            _count(self.disagreement.only_second),
            f"{100 * test.mean:+z.2f}",
            bounds(test.low, test.high, "+z.2f", 100),
            p_text(test.p_value),
            p_text(self.disagreement.p_corrected),
            f"{loss:+z.4f}",
            bounds(low, high, "+z.4f"),
        ]


def _count(images: float) -> str:
    """A number of images, which of several seeds is a mean."""
    return f"{images:.1f}".removesuffix(".0")


def pairs_of(sides: Sequence[Side]) -> list[Pair]:
    """The pairs of sides that are scored on the same images and have kept their answers."""
    pairs = [
        (first, second, (first.answers, second.answers))
        for first, second in combinations(sides, 2)
        if first.answers and second.answers and first.images == second.images
        if np.array_equal(first.answers.labels, second.answers.labels)
    ]
    compared = disagreements([answers for *_, answers in pairs])
    return [Pair(*pair, disagreement) for pair, disagreement in zip(pairs, compared, strict=True)]


def answer(pairs: Sequence[Pair], notes: Sequence[str]) -> list[str]:
    """The comparison in a sentence, or one for each pair with the most accurate of several sides.

    Where no sides can be compared by accuracy, the notes say why.
    """
    if not pairs:
        return ["The accuracies cannot be compared.", *notes]
    if len(pairs) == 1:
        return [pairs[0].sentence]
    accuracies = {
        side.label: answers.correct.mean()
        for pair in pairs
        for side, answers in zip((pair.first, pair.second), pair.answers, strict=True)
    }
    best = max(accuracies, key=lambda label: accuracies[label])
    against = [pair.sentence for pair in pairs if best in (pair.first.label, pair.second.label)]
    return [f"{best} reads the most images right.", *against]


def pair_section(pairs: Sequence[Pair]) -> Section:
    """The table of the pairs."""
    return Section("Differences on the validation images", TEXT if pairs else "", HEAD, [pair.row for pair in pairs])
