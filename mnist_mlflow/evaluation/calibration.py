"""Calibration: the error of confidence, and the temperature that corrects it."""

import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import Labels, Probabilities, Scores

BINS = 15


def fit_temperature(scores: Scores, labels: Labels) -> float:
    """The temperature that makes the scores (n, 10) most likely given the labels (n,), within 0.01 and 100.

    One label in n + 2 counts as unknown: scores that make no mistake among a few images are not thereby certain.
    Sources: Guo et al., On calibration of modern neural networks, 2017; for the doubt, Platt, Probabilistic outputs
    for support vector machines, 1999.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    scores = scores.astype(np.float64)
    rows, doubt = np.arange(len(labels)), 1 / (len(labels) + 2)

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(scores / np.exp(log_temperature), axis=1)
        return -float((1 - doubt) * scaled[rows, labels].mean() + doubt * scaled.mean())

    optimum = minimize_scalar(loss, bounds=(np.log(0.01), np.log(100)), method="bounded")
    return float(np.exp(optimum.x))


def reliability(
    labels: Labels, probabilities: Probabilities
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Mean confidence, accuracy and count of the images in each of 15 equal bins of confidence (NaN if empty)."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    with np.errstate(invalid="ignore"):
        return (
            np.bincount(bins, confidence, BINS) / counts,
            np.bincount(bins, correct, BINS) / counts,
            counts,
        )


def expected_calibration_error(labels: Labels, probabilities: Probabilities) -> float:
    """The gap between confidence and accuracy, as a share, averaged over the images of 15 bins.

    Source: Naeini et al., Obtaining well calibrated probabilities using Bayesian binning, 2015.
    """
    confidence, accuracy, counts = reliability(labels, probabilities)
    return float(np.nansum(np.abs(confidence - accuracy) * counts) / len(labels))
