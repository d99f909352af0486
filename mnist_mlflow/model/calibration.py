"""From scores to probabilities."""

import numpy as np

from mnist_mlflow.types import Probabilities, Scores


def softmax(scores: Scores, temperature: float = 1.0) -> Probabilities:
    """Scores (n, 10), divided by a temperature, as float64 probabilities (n, 10)."""
    from scipy.special import softmax as scipy_softmax

    probabilities: Probabilities = scipy_softmax(scores.astype(np.float64) / temperature, axis=1)
    return probabilities
