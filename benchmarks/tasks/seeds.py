"""Decisions between configurations of several seeds, where the truth is known."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.evaluation.significance import ALPHA, Correct, paired_test

COUNTS = ((2, 2), (3, 3), (5, 5), (3, 5), (1, 3))  # seeds of the two configurations
SPREADS = {"none": 0.0, "small": 0.06, "moderate": 0.2, "large": 0.4}  # of the mistakes over seeds, relative to them
DIFFERENCES = (0.0005, 0.001, 0.002)  # of the accuracies, as shares of 1
OWN = 0.5  # of the images: how hard they are differs between the two configurations
POPULATION = 1_000_000  # images, from which each simulation draws some

Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """Two configurations: the numbers of seeds and their spreads, the images, and the share of mistakes."""

    seeds: tuple[int, int]
    spreads: tuple[str, str]
    images: int = 10_000
    mistakes: float = 0.005


def simulate(simulations: int) -> dict[str, Any]:
    """Shares of pairs of configurations, equal and unequal, that are told apart in three ways.

    `tested` is the test of the project. `lucky` is McNemar's of the most accurate seed of each. `by_seeds` is Welch's
    t-test of the accuracies of the seeds, blind to the images.
    """
    random = np.random.default_rng(0)
    equal = [_record(setting, 0.0, random, simulations) for setting in _equals()]
    unequal = [
        _record(Setting((count, count), (spread, spread)), difference, random, simulations)
        for count in (3, 5)
        for spread in ("small", "moderate")
        for difference in DIFFERENCES
    ]
    return {"simulations": simulations, "equal": equal, "unequal": unequal}


def _equals() -> Iterator[Setting]:
    alike = [(spread, spread) for spread in SPREADS]
    for images, mistakes in ((10_000, 0.005), (257, 0.01)):
        for seeds in COUNTS:
            for spreads in [*alike, ("none", "large"), ("large", "none")]:
                yield Setting(seeds, spreads, images, mistakes)


def _record(setting: Setting, difference: float, random: np.random.Generator, simulations: int) -> dict[str, Any]:
    population = _difficulty(random, setting.mistakes, POPULATION)
    pairs = [_pair(setting, difference, population, random) for _ in range(simulations)]
    about = {"images": setting.images, "seeds": setting.seeds, "spreads": setting.spreads, "difference": difference}
    rates = {"tested": np.array([paired_test(*pair).p_value < ALPHA for pair in pairs]), "lucky": _by_luck(pairs)}
    if min(setting.seeds) > 1:
        rates["by_seeds"] = _by_seeds(pairs)
    return about | {name: float(called.mean()) for name, called in rates.items()}


def _difficulty(random: np.random.Generator, mistakes: float, images: int) -> Shares:
    """The probability (images,) that each image is read wrong: most are easy, few hard for all seeds.

    The parameters of the Beta distribution add up to 1: half of a model's mistakes are another seed's too.
    """
    return random.beta(mistakes, 1 - mistakes, images)


def _pair(setting: Setting, difference: float, population: Shares, random: np.random.Generator) -> list[Correct]:
    difficulty = random.choice(population, setting.images)
    second = 1 - difference / setting.mistakes  # the share of the first one's mistakes that the second makes
    return [
        _read(difficulty, count, SPREADS[spread], factor, population, random)
        for count, spread, factor in zip(setting.seeds, setting.spreads, (1.0, second), strict=True)
    ]


def _read(
    difficulty: Shares, seeds: int, spread: float, factor: float, population: Shares, random: np.random.Generator
) -> Correct:
    """The images that so many seeds of a configuration read right, (seeds, images)."""
    differs = random.random(len(difficulty)) < OWN
    hard = np.where(differs, random.choice(population, len(difficulty)), difficulty) * factor
    luck = np.maximum(0, 1 + spread * random.standard_normal((seeds, 1)))
    correct = np.ones((seeds, len(hard)), bool)
    some = np.flatnonzero(hard > 1e-6)  # few are ever read wrong
    correct[:, some] = random.random((seeds, len(some))) >= hard[some] * luck
    return correct


def _by_luck(pairs: list[list[Correct]]) -> npt.NDArray[np.bool_]:
    from scipy.stats import binom

    best = [[correct[correct.sum(axis=1).argmax()] for correct in pair] for pair in pairs]
    alone = np.array([((first & ~second).sum(), (second & ~first).sum()) for first, second in best])
    called: npt.NDArray[np.bool_] = 2 * binom.cdf(alone.min(axis=1), alone.sum(axis=1), 0.5) < ALPHA
    return called


def _by_seeds(pairs: list[list[Correct]]) -> npt.NDArray[np.bool_]:
    from scipy.stats import ttest_ind

    first, second = ([pair[side].mean(axis=1) for pair in pairs] for side in (0, 1))
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):  # where all seeds are equally accurate
        called: npt.NDArray[np.bool_] = ttest_ind(first, second, axis=1, equal_var=False).pvalue < ALPHA
    return called
