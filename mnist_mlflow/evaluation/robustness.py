"""Robustness: how a model reads corrupted images, one score for each corruption and strength."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_mlflow.evaluation.corruptions import CORRUPTIONS, STRENGTHS
from mnist_mlflow.evaluation.significance import accuracy_interval
from mnist_mlflow.types import Labels

if TYPE_CHECKING:
    import pandas as pd

MEAN, COVERAGE, SELECTIVE_ERROR = "val_accuracy_corrupted", "val_coverage_corrupted", "val_selective_error_corrupted"
METRIC = "val_accuracy_{}_{}"  # of a corruption at a strength


@dataclass(frozen=True)
class RobustnessScore:
    """The answers to the images of one corruption at one strength, counted.

    `sure` of them were sure and `sure_wrong` of these wrong: None for a model that never says so.
    """

    corruption: str
    strength: int
    images: int
    right: int
    sure: int | None = None
    sure_wrong: int | None = None

    @property
    def accuracy(self) -> float:
        """The share of the images that was read right."""
        return self.right / self.images


def score_answers(
    corruption: str, strength: int, labels: Labels, digits: npt.NDArray[np.integer], sure: npt.NDArray[np.bool_] | None
) -> RobustnessScore:
    """The score of the digits (n,) that a model read in corrupted images with these labels."""
    right = digits == labels
    counts = (None, None) if sure is None else (int(sure.sum()), int((sure & ~right).sum()))
    return RobustnessScore(corruption, strength, len(labels), int(right.sum()), *counts)


def summarize(scores: Sequence[RobustnessScore]) -> dict[str, float]:
    """The mean accuracy, and over all answers the coverage and the selective error, as metrics.

    The coverage is the share of sure answers. The selective error is the share of these that are wrong.
    """
    metrics = {MEAN: float(np.mean([score.accuracy for score in scores]))}
    if any(score.sure is None for score in scores):
        return metrics
    sure, wrong = (sum(getattr(score, name) for score in scores) for name in ("sure", "sure_wrong"))
    metrics[COVERAGE] = sure / sum(score.images for score in scores)
    return metrics | ({SELECTIVE_ERROR: wrong / sure} if sure else {})


def score_table(scores: Sequence[RobustnessScore]) -> pd.DataFrame:
    """A row for each score, with the 95 % interval of the accuracy, coverage and selective error."""
    import pandas as pd

    rows = []
    for score in scores:
        low, high = accuracy_interval(score.right, score.images)
        row = {"corruption": score.corruption, "strength": score.strength, "images": score.images}
        row |= {"accuracy": score.accuracy, "accuracy_low": low, "accuracy_high": high}
        if score.sure is not None and score.sure_wrong is not None:
            error = score.sure_wrong / score.sure if score.sure else None
            row |= {"coverage": score.sure / score.images, "selective_error": error}
        rows.append(row)
    return pd.DataFrame(rows)


def as_metrics(scores: Sequence[RobustnessScore]) -> dict[str, float]:
    """The accuracies under the names that the store knows: `val_accuracy_blur_3`."""
    return {METRIC.format(score.corruption, score.strength): score.accuracy for score in scores}


def by_corruption(metrics: Mapping[str, float]) -> dict[str, list[float]]:
    """The accuracies of each corruption at its strengths among metrics, the corruption with the lowest mean first."""
    accuracies = {
        name: [metrics[metric] for strength in STRENGTHS if (metric := METRIC.format(name, strength)) in metrics]
        for name in CORRUPTIONS
    }
    complete = [name for name in CORRUPTIONS if len(accuracies[name]) == len(STRENGTHS)]
    return {name: accuracies[name] for name in sorted(complete, key=lambda name: sum(accuracies[name]))}
