import numpy as np
import pytest
from sklearn import metrics as reference

from mnist_mlflow.evaluation.metrics import prefixed, score, worst_mistakes

RANDOM = np.random.default_rng(0)
LABELS = np.arange(500, dtype=np.uint8) % 10
PROBABILITIES = RANDOM.dirichlet(np.ones(10), 500)
PROBABILITIES[np.arange(500), LABELS] += 0.4
PROBABILITIES /= PROBABILITIES.sum(axis=1, keepdims=True)
PREDICTED = PROBABILITIES.argmax(axis=1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", reference.accuracy_score(LABELS, PREDICTED)),
        ("precision_macro", reference.precision_score(LABELS, PREDICTED, average="macro")),
        ("recall_macro", reference.recall_score(LABELS, PREDICTED, average="macro")),
        ("f1_macro", reference.f1_score(LABELS, PREDICTED, average="macro")),
        ("f1_7", reference.f1_score(LABELS == 7, PREDICTED == 7)),
        ("log_loss", -np.log(PROBABILITIES[np.arange(500), LABELS]).mean()),
    ],
)
def test_agrees_with_the_reference(name: str, expected: float) -> None:
    assert score(LABELS, PROBABILITIES)[name] == pytest.approx(expected)


def test_has_every_metric_that_the_store_knows() -> None:
    names = {"accuracy", "precision_macro", "recall_macro", "f1_macro", "log_loss", "ece"}
    assert set(prefixed("val", score(LABELS, PROBABILITIES))) == {
        f"val_{name}" for name in names | {f"f1_{digit}" for digit in range(10)}
    }


def test_a_class_that_is_never_predicted_counts_as_nought() -> None:
    certain = np.tile(np.eye(10)[0], (10, 1))
    scores = score(np.arange(10, dtype=np.uint8), certain)
    assert (scores["f1_3"], scores["recall_macro"]) == (0, 0.1)


def test_the_worst_mistakes_come_first_and_what_is_right_not_at_all() -> None:
    labels = np.array([0, 1, 2, 3], np.uint8)
    probabilities = np.zeros((4, 10))
    probabilities[0, [0, 1]] = 0.9, 0.1  # right
    probabilities[1, [0, 1]] = 0.6, 0.4
    probabilities[2, [0, 2]] = 0.99, 0.01
    probabilities[3, [0, 3]] = 0.8, 0.2
    assert worst_mistakes(labels, probabilities, 2) == [2, 3]
    assert worst_mistakes(labels, probabilities, 9) == [2, 3, 1]
