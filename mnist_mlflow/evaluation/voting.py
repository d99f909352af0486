"""Who votes in an ensemble, and with how much weight."""

import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import Labels, Probabilities

ROUNDS = 50
SMALLEST = 1e-12  # what rounds to no chance at all is still no infinite mistake


def choose_voters(probabilities: npt.NDArray[np.floating], labels: Labels, most: int) -> npt.NDArray[np.float64]:
    """The weights (m,) that add up to 1, at most `most` of them not 0, of m classifiers.

    Takes their probabilities (m, n, 10) and the labels (n,). In each of 50 rounds the classifier that makes the
    log loss of the average smallest gets one more vote.
    Source: Caruana et al., Ensemble selection from libraries of models, 2004.
    """
    given_to_truth = np.maximum(probabilities[:, np.arange(len(labels)), labels], SMALLEST).astype(np.float64)
    votes = np.zeros(len(probabilities), np.int64)
    total = np.zeros(len(labels))
    for _ in range(ROUNDS):
        losses = -np.log(total + given_to_truth).mean(axis=1)
        if np.count_nonzero(votes) >= most:
            losses[votes == 0] = np.inf
        chosen = losses.argmin()
        votes[chosen] += 1
        total += given_to_truth[chosen]
    weights: npt.NDArray[np.float64] = votes / ROUNDS
    return weights


def average(probabilities: npt.NDArray[np.floating], weights: npt.NDArray[np.float64]) -> Probabilities:
    """The weighted average (n, 10) of probabilities (m, n, 10); the weights need not add up to 1."""
    averaged: Probabilities = np.tensordot(weights / weights.sum(), probabilities, axes=1)
    return averaged
