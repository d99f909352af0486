"""From scores to probabilities."""

import numpy as np

from mnist_mlflow.types import Probabilities, Scores


def softmax(scores: Scores, temperature: float = 1.0) -> Probabilities:
    """Scores (n, 10), divided by a temperature, as float64 probabilities (n, 10)."""
    logits = scores.astype(np.float64) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: Probabilities = powers / powers.sum(axis=1, keepdims=True)
    return probabilities
