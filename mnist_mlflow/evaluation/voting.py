"""Selection of the voters of an ensemble, and their weights."""

import numpy as np
import numpy.typing as npt

from mnist_mlflow.model.scorers.vote import SMALLEST
from mnist_mlflow.types import Labels

BAGS, ROUNDS = 40, 5
SHARE, FEWEST = 10, 100  # a bag holds a tenth of the images, but no fewer than so many


def choose_voters(probabilities: npt.NDArray[np.floating], labels: Labels, most: int) -> npt.NDArray[np.float64]:
    """The weights (m,) that add up to 1, at most `most` of them not 0, of m classifiers.

    Takes their probabilities (m, n, 10) and the labels (n,). Images are drawn, with replacement, into 40 bags. Greedy
    forward selection on each bag counts as votes. On all images at once good classifiers make too few mistakes to tell
    which is better. The luckiest would take nearly all of the weight.
    Source: Caruana et al., Ensemble selection from libraries of models, 2004.
    """
    of_truth = np.maximum(probabilities[:, np.arange(len(labels)), labels], SMALLEST).astype(np.float64)
    random, size = np.random.default_rng(0), max(FEWEST, len(labels) // SHARE)
    bags = (random.integers(0, len(labels), size) for _ in range(BAGS))
    votes = sum((_choose(of_truth[:, bag]) for bag in bags), start=np.zeros(len(probabilities)))
    votes[np.argsort(-votes, kind="stable")[most:]] = 0
    weights: npt.NDArray[np.float64] = votes / votes.sum()
    return weights


def _choose(of_truth: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Greedy forward selection: counts how often each of m classifiers was the best addition in five rounds.

    Takes the probabilities (m, n) that they gave to the labels.
    """
    votes, total = np.zeros(len(of_truth)), np.zeros(of_truth.shape[1])
    for _ in range(ROUNDS):
        best = np.log(total + of_truth).mean(axis=1).argmax()
        votes[best] += 1
        total += of_truth[best]
    return votes
