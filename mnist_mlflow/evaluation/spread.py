"""Metrics of several seeds as one: mean, standard deviation, and the interval of the mean."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from mnist_mlflow.evaluation.significance import CONFIDENCE

WITH_INTERVAL = ("val_accuracy", "val_f1_macro", "val_log_loss", "val_ece")


def summarise(seeds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric that all seeds have; of those on validation images the standard deviation as `_std`.

    The main ones have the 95 % interval of the mean too, as `_low` and `_high`. It ends where no figure can be: at 0,
    and of a share at 1. Each dict is of one seed, two at least.
    """
    summary: dict[str, float] = {}
    for name in [name for name in seeds[0] if all(name in seed for seed in seeds)]:
        values = [seed[name] for seed in seeds]
        summary[name] = float(np.mean(values))
        if name.startswith("val_"):
            summary[f"{name}_std"] = float(np.std(values, ddof=1))
        if name in WITH_INTERVAL:
            low, high = mean_interval(values)
            most = math.inf if name == "val_log_loss" else 1.0
            summary[f"{name}_low"], summary[f"{name}_high"] = max(0.0, low), min(most, high)
    return summary


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the mean of two figures or more, by Student's t.

    Source: Student, The probable error of a mean, 1908.
    """
    from scipy.stats import t

    mean, error = float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(len(values))
    bound = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * error
    return mean - bound, mean + bound
