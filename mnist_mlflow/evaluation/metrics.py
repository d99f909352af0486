"""Metrics: the same figures for every algorithm."""

from typing import Any

import numpy as np

from mnist_mlflow.evaluation.calibration import expected_calibration_error
from mnist_mlflow.types import CLASSES, Labels, Probabilities


def essentials(labels: Labels, probabilities: Probabilities) -> dict[str, float]:
    """Accuracy, log loss in nats and calibration error: labels (n,) uint8, probabilities (n, 10)."""
    from sklearn.metrics import log_loss

    return {
        "accuracy": float((probabilities.argmax(axis=1) == labels).mean()),
        "log_loss": float(log_loss(labels, probabilities, labels=range(CLASSES))),
        "ece": expected_calibration_error(labels, probabilities),
    }


def score(labels: Labels, probabilities: Probabilities) -> dict[str, float]:
    """Accuracy, macro precision, recall and F1, log loss, calibration error, and F1 of each class.

    Labels (n,) uint8, probabilities (n, 10); all figures are shares of 1, log loss is in nats. A class that is
    never predicted has precision 0.
    """
    precision, recall, f1, _ = class_scores(labels, probabilities)
    return {
        **essentials(labels, probabilities),
        "precision_macro": float(precision.mean()),
        "recall_macro": float(recall.mean()),
        "f1_macro": float(f1.mean()),
        **{f"f1_{digit}": float(f1[digit]) for digit in range(CLASSES)},
    }


def class_scores(labels: Labels, probabilities: Probabilities) -> tuple[Any, Any, Any, Any]:
    """Precision, recall, F1 and number of images of each digit, (10,) each; what is never predicted has precision 0."""
    from sklearn.metrics import precision_recall_fscore_support

    read = probabilities.argmax(axis=1)
    scores: tuple[Any, Any, Any, Any] = precision_recall_fscore_support(
        labels, read, labels=range(CLASSES), zero_division=0.0
    )
    return scores


def prefixed(prefix: str, metrics: dict[str, float]) -> dict[str, float]:
    """The metrics under the names that the store knows: `val_accuracy`, `test_f1_3`."""
    return {f"{prefix}_{name}": value for name, value in metrics.items()}


def worst_mistakes(labels: Labels, probabilities: Probabilities, count: int) -> list[int]:
    """The indices of up to `count` mistakes, those first that gave the label the least probability."""
    true = probabilities[np.arange(len(labels)), labels]
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return [int(index) for index in wrong[np.argsort(true[wrong], kind="stable")][:count]]
