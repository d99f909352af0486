import numpy as np
import pytest

from mnist_mlflow.evaluation.calibration import expected_calibration_error, fit_temperature
from mnist_mlflow.model.calibration import softmax

RANDOM = np.random.default_rng(0)


def drawn(scores: np.ndarray) -> np.ndarray:
    """Labels that the softmax of the scores describes."""
    return np.array([RANDOM.choice(10, p=row) for row in softmax(scores)], np.uint8)


@pytest.mark.parametrize("factor", [0.2, 1.0, 5.0])
def test_the_temperature_undoes_a_scaling(factor: float) -> None:
    scores = RANDOM.normal(0, 2, (5000, 10))
    assert fit_temperature(scores * factor, drawn(scores)) == pytest.approx(factor, rel=0.1)


def test_calibration_mends_overconfidence() -> None:
    scores = RANDOM.normal(0, 2, (5000, 10))
    labels, loud = drawn(scores), scores * 4
    mended = softmax(loud, fit_temperature(loud, labels))
    assert expected_calibration_error(labels, softmax(loud)) > 0.1
    assert expected_calibration_error(labels, mended) < 0.03


def test_the_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.full((10, 10), 0.2 / 9)
    probabilities[:, 0] = 0.8
    labels = np.zeros(10, np.uint8)
    labels[:3] = 1  # 70 % accuracy at 80 % confidence
    assert expected_calibration_error(labels, probabilities) == pytest.approx(0.1)


def test_certainty_falls_into_the_last_bin() -> None:
    assert expected_calibration_error(np.array([3], np.uint8), np.eye(10)[[3]]) == 0


def test_scores_without_a_mistake_are_not_certain() -> None:
    labels = np.arange(100, dtype=np.uint8) % 10
    scores = 3 * np.eye(10)[labels]
    confidence = softmax(scores, fit_temperature(scores, labels)).max()
    assert 0.98 < confidence < 0.999
