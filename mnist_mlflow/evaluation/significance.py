"""Tests and intervals of the difference between two models on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 2_000
CONFIDENCE = 0.95
ALPHA = 0.05

Right = npt.NDArray[np.bool_]  # (n,): which of the images a model read right
Correct = npt.NDArray[np.bool_]  # (seeds, n): the same for models that differ in nothing but the seed


@dataclass(frozen=True)
class PairedTest:
    """The difference of two accuracies on the same images, with its 95 % interval, and the p-value of none."""

    mean: float
    low: float
    high: float
    p_value: float


def paired_test(first: Correct, second: Correct) -> PairedTest:
    """The accuracy of the second minus that of the first: McNemar's test of one model each."""
    return PairedTest(*accuracy_difference(first[0], second[0]), mcnemar(first[0], second[0]))


def accuracy_interval(right: int, images: int) -> tuple[float, float]:
    """The 95 % interval of an accuracy, of which `right` of so many images were read right.

    Source: Wilson, Probable inference, the law of succession, and statistical inference, 1927.
    """
    from scipy.stats import binomtest

    interval = binomtest(right, images).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar(first: Right, second: Right) -> float:
    """The probability that two equally good models differ by as much.

    The exact test, two-sided, of the images that only one of them reads right. Source: McNemar, Note on the sampling
    error of the difference between correlated proportions or percentages, 1947.
    """
    return sign_test(int((first & ~second).sum()), int((second & ~first).sum()))


def sign_test(mistakes: int, others: int) -> float:
    """McNemar's p-value of two models with so many mistakes that only one of them makes.

    No p-value of models with so many mistakes, some of them shared, is larger.
    """
    from scipy.stats import binomtest

    either = mistakes + others
    return float(binomtest(mistakes, either).pvalue) if either else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values, made larger so that of all tests together one in twenty errs at most.

    Source: Holm, A simple sequentially rejective multiple test procedure, 1979.
    """
    values = np.asarray(p_values, float)
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)))
    return [float(value) for value in adjusted]


def accuracy_difference(first: Right, second: Right) -> tuple[float, float, float]:
    """The accuracy of second minus that of first, on the same images, with its 95 % interval.

    The bootstrap of `paired_difference`, in short: only images count that one model alone reads right. A resample of
    the images is then a draw of the number of each kind.
    """
    images = len(first)
    lost, won = int((first & ~second).sum()), int((second & ~first).sum())
    drawn = np.random.default_rng(0).multinomial(
        images, [lost / images, won / images, 1 - (lost + won) / images], size=RESAMPLES
    )
    low, high = np.percentile((drawn[:, 1] - drawn[:, 0]) / images, [50 * ALPHA, 100 - 50 * ALPHA])
    return (won - lost) / images, float(low), float(high)


def paired_difference(first: npt.NDArray[np.generic], second: npt.NDArray[np.generic]) -> tuple[float, float, float]:
    """The mean of second minus first, two figures for each of the same images (n,), with its 95 % interval.

    A bootstrap over the images, seeded. Source: Efron and Tibshirani, An introduction to the bootstrap, 1993.
    """
    from scipy.stats import bootstrap

    differences = np.asarray(second, float) - np.asarray(first, float)
    mean = float(differences.mean())
    if np.ptp(differences) == 0:
        return mean, mean, mean
    interval = bootstrap(
        (differences,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        batch=100,
        rng=np.random.default_rng(0),
    ).confidence_interval
    return mean, float(interval.low), float(interval.high)
