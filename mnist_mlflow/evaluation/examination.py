"""Examinations: a model's readings of labelled pictures of somebody's own, counted and listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_mlflow.evaluation.metrics import essentials, prefixed
from mnist_mlflow.evaluation.significance import accuracy_interval
from mnist_mlflow.types import CLASSES, PROBABILITY_COLUMNS, Labels

if TYPE_CHECKING:
    import pandas as pd

ACCURACY, COVERAGE, SELECTIVE_ERROR = "own_accuracy", "own_coverage", "own_selective_error"
DOUBTS = ("sure", "why")  # columns that models of other code may lack


def list_readings(files: Sequence[str], labels: Labels, answers: pd.DataFrame) -> pd.DataFrame:
    """A row for each picture: its file, its label, and the answer of the model without the probabilities."""
    columns = ["digit", "confidence", *(name for name in DOUBTS if name in answers)]
    readings = answers[columns].reset_index(drop=True)
    readings.insert(0, "label", labels.astype(int))
    readings.insert(0, "file", list(files))
    return readings


def score_readings(labels: Labels, answers: pd.DataFrame) -> dict[str, float]:
    """The `own_` metrics of answers to pictures with these labels (n,), as `Readings.to_frame` has them.

    Accuracy, coverage (the share of sure answers) and selective error (the share of these that are wrong) have 95 %
    intervals, `_low` and `_high`.
    """
    probabilities = answers[PROBABILITY_COLUMNS].to_numpy(np.float64)
    right = probabilities.argmax(axis=1) == labels
    metrics = prefixed("own", essentials(labels, probabilities)) | _share(ACCURACY, right)
    if "sure" in answers:
        sure = answers["sure"].to_numpy(bool)
        metrics |= _share(COVERAGE, sure)
        metrics |= _share(SELECTIVE_ERROR, ~right[sure]) if sure.any() else {}
    return metrics


def _share(name: str, which: npt.NDArray[np.bool_]) -> dict[str, float]:
    low, high = accuracy_interval(int(which.sum()), len(which))
    return {name: float(which.mean()), f"{name}_low": low, f"{name}_high": high}


def ranked_answers(labels: Labels, answers: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """True (n,) for right answers, those first that are sure, then those of most confidence."""
    sure = answers["sure"].to_numpy(bool) if "sure" in answers else np.zeros(len(answers), bool)
    order = np.lexsort((-answers["confidence"].to_numpy(), ~sure))
    return np.asarray(answers["digit"].to_numpy() == labels)[order]


def worst_readings(readings: pd.DataFrame) -> pd.DataFrame:
    """The wrong readings, those first of which the model was most confident."""
    wrong = readings[readings["label"] != readings["digit"]]
    return wrong.sort_values("confidence", ascending=False, kind="stable")


def count_confusions(readings: pd.DataFrame) -> list[tuple[int, int, int]]:
    """The digits that were read as others, and how often, the most frequent first."""
    wrong = worst_readings(readings)
    pairs = Counter(zip(wrong["label"].tolist(), wrong["digit"].tolist(), strict=True))
    return [(label, digit, count) for (label, digit), count in pairs.most_common()]


def absent_digits(labels: Labels) -> list[int]:
    """The digits that no picture shows."""
    return np.flatnonzero(np.bincount(labels, minlength=CLASSES) == 0).tolist()
