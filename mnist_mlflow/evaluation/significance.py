"""Whether two models differ by more than chance, judged on the same images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RESAMPLES = 2_000
CONFIDENCE = 0.95


def paired_difference(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> tuple[float, float, float]:
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
