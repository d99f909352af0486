"""Who votes in an ensemble, and with how much weight."""

import numpy as np
import numpy.typing as npt

from mnist_mlflow.model.scorers.vote import SMALLEST
from mnist_mlflow.types import Labels

BAGS, ROUNDS = 40, 5
SHARE, FEWEST = 10, 100  # a bag holds a tenth of the images, but no fewer than so many


def choose_voters(probabilities: npt.NDArray[np.floating], labels: Labels, most: int) -> npt.NDArray[np.float64]:
    """The weights (m,) that add up to 1, at most `most` of them not 0, of m classifiers.

    Takes their probabilities (m, n, 10) and the labels (n,). From each of 40 bags of images, drawn with replacement,
    classifiers are chosen that make the log loss of their average small, and the choices of all bags are the votes:
    on all images at once, good classifiers make too few mistakes to tell which of them is better, and the luckiest
    would take nearly all of the weight.
    Source: Caruana et al., Ensemble selection from libraries of models, 2004.
    """
    given_to_truth = np.maximum(probabilities[:, np.arange(len(labels)), labels], SMALLEST).astype(np.float64)
    random, size = np.random.default_rng(0), max(FEWEST, len(labels) // SHARE)
    bags = (random.integers(0, len(labels), size) for _ in range(BAGS))
    votes = sum((_choose(given_to_truth[:, bag]) for bag in bags), start=np.zeros(len(probabilities)))
    votes[np.argsort(-votes, kind="stable")[most:]] = 0
    weights: npt.NDArray[np.float64] = votes / votes.sum()
    return weights


def _choose(given_to_truth: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How often each of m classifiers, from what they gave to the truth (m, n), was the best to add in 5 rounds."""
    votes, total = np.zeros(len(given_to_truth)), np.zeros(given_to_truth.shape[1])
    for _ in range(ROUNDS):
        chosen = np.log(total + given_to_truth).mean(axis=1).argmax()
        votes[chosen] += 1
        total += given_to_truth[chosen]
    return votes
