import numpy as np
import pandas as pd
import pytest

from mnist_mlflow.evaluation.examination import (
    absent_digits,
    count_confusions,
    list_readings,
    ranked_answers,
    score_readings,
    worst_readings,
)
from mnist_mlflow.evaluation.significance import accuracy_interval
from mnist_mlflow.model.readings import AMBIGUOUS, Readings

LABELS = np.array([3, 3, 5, 8], np.uint8)
READ = [3, 5, 5, 0]
SHARES = [0.9, 0.8, 0.6, 0.7]
WHY = ["", "", AMBIGUOUS, AMBIGUOUS]
FILES = ["a", "b", "c", "d"]


@pytest.fixture
def answers() -> pd.DataFrame:
    probabilities = np.zeros((4, 10))
    for row, (digit, share) in enumerate(zip(READ, SHARES, strict=True)):
        probabilities[row] = (1 - share) / 9
        probabilities[row, digit] = share
    images, why = np.zeros((4, 28, 28), np.uint8), np.array(WHY, object)
    return Readings(images, np.zeros(4, bool), probabilities, why, np.zeros(4)).to_frame()


def test_shares_have_intervals(answers: pd.DataFrame) -> None:
    metrics = score_readings(LABELS, answers)
    assert (metrics["own_accuracy"], metrics["own_coverage"], metrics["own_selective_error"]) == (0.5, 0.5, 0.5)
    assert (metrics["own_accuracy_low"], metrics["own_accuracy_high"]) == accuracy_interval(2, 4)
    assert (metrics["own_selective_error_low"], metrics["own_selective_error_high"]) == accuracy_interval(1, 2)
    assert metrics.keys() >= {"own_log_loss", "own_ece"}


def test_where_nothing_is_sure_no_share_of_it_is_wrong(answers: pd.DataFrame) -> None:
    metrics = score_readings(LABELS, answers.assign(sure=False))
    assert metrics["own_coverage"] == 0
    assert "own_selective_error" not in metrics


def test_models_of_other_code_may_say_less(answers: pd.DataFrame) -> None:
    less = answers.drop(columns=["sure", "why", "second", "inverted"])
    assert "own_coverage" not in score_readings(LABELS, less)
    assert list_readings(FILES, LABELS, less).columns.tolist() == ["file", "label", "digit", "confidence"]
    assert ranked_answers(LABELS, less).tolist() == [True, False, False, True]


def test_readings_are_listed_and_the_worst_of_them_first(answers: pd.DataFrame) -> None:
    readings = list_readings(FILES, LABELS, answers)
    assert readings.columns.tolist() == ["file", "label", "digit", "confidence", "sure", "why"]
    assert worst_readings(readings)["file"].tolist() == ["b", "d"]
    assert sorted(count_confusions(readings)) == [(3, 5, 1), (8, 0, 1)]
    assert absent_digits(LABELS) == [0, 1, 2, 4, 6, 7, 9]


def test_sure_answers_come_before_all_others(answers: pd.DataFrame) -> None:
    doubtful = answers.assign(sure=[False, False, True, False])
    assert ranked_answers(LABELS, doubtful).tolist() == [True, True, False, False]
