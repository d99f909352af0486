"""Tests and intervals of the difference between two models on the same images."""

from __future__ import annotations

import math
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


@dataclass(frozen=True)
class Spread:
    """The estimated variance of a difference that one source contributes, with the degrees of freedom behind it."""

    variance: float
    freedom: int


def paired_test(first: Correct, second: Correct) -> PairedTest:
    """The accuracy of the second configuration minus that of the first, from models of one or more seeds each.

    With one seed each it is McNemar's exact test with a bootstrap over the images, of these two models. So it is where
    the seed changes nothing. Else images and seeds are both samples, and each seed meets each image. The variance is
    that over the images plus that over the seeds; t has Satterthwaite's degrees of freedom. This is Clark's min F'.

    A difference has to show among the seeds alone too, by the t-tests of Welch and of Student. Two or three seeds often
    look more alike than they are; the largest p-value counts. So that few images do not decide, one image is taken off
    the difference, as Edwards corrects McNemar's test. The interval is without zero where p is below 0.05.

    A configuration of one seed borrows the spread of the other. `python -m benchmarks --only seeds` simulates all this.

    Sources: Clark, The language-as-fixed-effect fallacy, 1973; Satterthwaite, An approximate distribution of estimates
    of variance components, 1946; Welch, The generalization of Student's problem, 1947; Edwards, Note on the "correction
    for continuity" in testing the significance of the difference between correlated proportions, 1948.
    """
    if _is_one_model(first) and _is_one_model(second):
        return PairedTest(*accuracy_difference(first[0], second[0]), mcnemar(first[0], second[0]))
    difference, correction = float(second.mean() - first.mean()), 1 / first.shape[1]
    tests = [_t_test(abs(difference) - correction, spreads) for spreads in _spreads(first, second)]
    bounds, p_values = zip(*tests, strict=True)
    bound = max(bounds) + correction
    return PairedTest(difference, difference - bound, difference + bound, max(p_values))


def _is_one_model(correct: Correct) -> bool:
    return bool((correct == correct[0]).all())


def _spreads(first: Correct, second: Correct) -> list[list[Spread]]:
    """The spreads of the difference over images and seeds, then over seeds alone: as Welch and as Student has it."""
    by_image = second.mean(axis=0) - first.mean(axis=0)
    images = Spread(float(by_image.var(ddof=1)) / len(by_image), len(by_image) - 1)
    groups = [correct.mean(axis=1) for correct in (first, second)]
    freedom = sum(len(group) - 1 for group in groups)
    pooled = sum(float(((group - group.mean()) ** 2).sum()) for group in groups) / freedom
    student = [Spread(pooled * sum(1 / len(group) for group in groups), freedom)]
    if 1 in map(len, groups):
        return [[images, *student], student]
    welch = [Spread(float(group.var(ddof=1)) / len(group), len(group) - 1) for group in groups]
    return [[images, *welch], welch, student]


def _t_test(difference: float, spreads: Sequence[Spread]) -> tuple[float, float]:
    """The largest difference that is not significant, and the two-sided p-value of this one (0 or less: 1)."""
    from scipy.special import stdtr, stdtrit  # a tenth of the time of scipy.stats.t

    variance = sum(spread.variance for spread in spreads)
    if variance == 0:  # seeds that read as many images right, though not the same
        return 0.0, float(difference <= 0)
    freedom = variance**2 / sum(spread.variance**2 / spread.freedom for spread in spreads)
    error = math.sqrt(variance)
    return -float(stdtrit(freedom, ALPHA / 2)) * error, min(1.0, 2 * float(stdtr(freedom, -difference / error)))


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
