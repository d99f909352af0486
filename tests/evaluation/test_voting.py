import numpy as np
import pytest

from mnist_mlflow.evaluation.voting import BAGS, FEWEST, ROUNDS, choose_voters
from mnist_mlflow.model.calibration import softmax
from mnist_mlflow.model.scorers.vote import average

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, 10, 300).astype(np.uint8)


def voter(skill: float) -> np.ndarray:
    scores = RANDOM.normal(size=(300, 10)) + skill * np.eye(10)[LABELS]
    return softmax(scores)


VOTERS = np.stack([voter(skill) for skill in (0.0, 2.0, 2.2, 2.4, 2.6)])


def log_loss(probabilities: np.ndarray) -> float:
    return float(-np.log(probabilities[np.arange(300), LABELS]).mean())


def test_the_vote_beats_the_best_voter_and_even_weights() -> None:
    weights = choose_voters(VOTERS, LABELS, most=5)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] < 0.05
    together = log_loss(average(VOTERS, weights))
    assert together < min(log_loss(alone) for alone in VOTERS)
    assert together < log_loss(VOTERS.mean(axis=0))


def test_the_weights_are_those_of_a_plain_loop() -> None:
    random, votes = np.random.default_rng(0), np.zeros(5)
    for _ in range(BAGS):
        images = random.integers(0, len(LABELS), FEWEST)
        chosen: list[int] = []
        for _ in range(ROUNDS):
            averages = [np.mean([VOTERS[member] for member in [*chosen, new]], axis=0) for new in range(5)]
            losses = [-np.log(average[images, LABELS[images]]).mean() for average in averages]
            chosen.append(int(np.argmin(losses)))
        votes += np.bincount(chosen, minlength=5)
    assert np.allclose(choose_voters(VOTERS, LABELS, most=5), votes / (BAGS * ROUNDS))


def test_luck_on_a_few_images_does_not_take_all_of_the_weight() -> None:
    """Two voters are as good as each other but for a single image."""
    right, luckier = (np.where(np.eye(10)[LABELS] > 0, 0.99, 0.001) for _ in range(2))
    right[:60], luckier[60:120] = 0.1, 0.1
    luckier[0] = right[-1]
    weights = choose_voters(np.stack([right, luckier]), LABELS, most=2)
    assert 0.3 < weights[0] < 0.7


@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_vote_than_may(most: int) -> None:
    weights = choose_voters(VOTERS, LABELS, most)
    assert 1 <= np.count_nonzero(weights) <= most
    assert weights[4] > 0


def test_a_voter_that_rules_the_truth_out_is_no_infinite_mistake() -> None:
    ruled_out = np.zeros((2, 300, 10))
    assert choose_voters(ruled_out, LABELS, most=2).sum() == pytest.approx(1)
    assert choose_voters(np.concatenate([ruled_out, VOTERS]), LABELS, most=7)[:2].sum() == 0
