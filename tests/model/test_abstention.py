"""When an answer is sure, of models that are made of numbers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_mlflow.errors import ModelError, ParameterError
from mnist_mlflow.model.abstention import FILE, Abstention
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.novelty import Novelty
from mnist_mlflow.model.readings import AMBIGUOUS, BLANK, NO_DIGIT
from tests.scorers import linear

D = 432
EVERYWHERE = Novelty.from_arrays(
    {
        "mean": np.zeros(D),
        "directions": np.eye(2, D),
        "means": np.zeros((10, 2)),
        "whiteners": np.tile(np.eye(2), (10, 1, 1)),
        "limit": 5.0,
    }
)
ABSTENTION = Abstention(0.01, np.array([0.9, 0.5]), np.array([0.005, 0.1]), EVERYWHERE)
INKED = np.full((1, 28, 28), 255, np.uint8)


def judge(
    confidence: float, *, image: np.ndarray = INKED, has_ink: bool = True, far: bool = False
) -> tuple[float, str]:
    """The error that is promised for one answer, and the doubt about it."""
    shares = np.full((1, 10), (1 - confidence) / 9)
    shares[0, 3] = confidence
    features = np.full((1, D), 100 * far, np.float32)
    promised, doubts = ABSTENTION.judge(image, np.array([has_ink]), features, shares)
    return float(promised[0]), str(doubts[0])


@pytest.mark.parametrize(
    ("confidence", "promised"),
    [
        (0.999, 0.005),  # what those above the first threshold promise together
        (0.91, 0.0081),  # its own doubt, squared, which is more
        (0.9, 0.1),  # the threshold itself is not above it
        (0.4, 1.0),
    ],
)
def test_an_answer_promises_what_its_confidence_allows(confidence: float, promised: float) -> None:
    judged, doubt = judge(confidence)
    assert judged == pytest.approx(promised)
    assert doubt == AMBIGUOUS


def test_what_is_no_digit_promises_nothing_whatever_the_confidence() -> None:
    assert judge(1.0, far=True) == (np.inf, NO_DIGIT)
    nothing = np.zeros((1, 28, 28), np.uint8)
    assert judge(1.0, image=nothing, has_ink=False, far=True) == (np.inf, BLANK)
    assert judge(1.0, image=nothing, has_ink=True) == (np.inf, NO_DIGIT)  # of many marks none is the digit


UPRIGHT, LYING = np.zeros((2, 28, 28), np.uint8)
UPRIGHT[4:24, 13:15] = LYING[13:15, 4:24] = 255
WEIGHTS = np.zeros((10, 784), np.float32)
WEIGHTS[0] = UPRIGHT.ravel() > LYING.ravel()  # an upright stroke is a 0, one that lies is a 1 or a 2
WEIGHTS[1:3] = LYING.ravel() > UPRIGHT.ravel()
MODEL = DigitModel("pixels", linear(WEIGHTS, np.zeros(10, np.float32)), 1.0, ABSTENTION)


def test_a_model_allows_what_it_was_trained_for_unless_told_otherwise() -> None:
    images = np.stack([UPRIGHT, LYING, np.zeros((28, 28), np.uint8)])
    for allowed, sure in ((None, [True, False, False]), (0.001, [False] * 3), (1, [True, True, False])):
        readings = MODEL.read(images, allowed)
        assert readings.sure.tolist() == sure
        assert readings.why[2] == BLANK
        assert (readings.promised[:2] <= 1).all()
    assert MODEL.predict(images, {"max_error": 1})["why"].tolist() == ["", "", BLANK]


@pytest.mark.parametrize("share", [-1, 1.1, "much", float("nan"), [0.1]])
def test_an_error_that_is_no_share_is_refused(share: Any) -> None:
    with pytest.raises(ParameterError, match=r"is no share; accepted: a number from 0 to 1, like 0\.01"):
        MODEL.predict(INKED, {"max_error": share})


def test_a_member_of_a_vote_is_never_sure() -> None:
    member = replace(MODEL, abstention=None)
    assert member.read(INKED, 1.0).why.tolist() == [AMBIGUOUS]


def test_it_is_kept_with_the_model(tmp_path: Path) -> None:
    MODEL.save(tmp_path / "model")
    restored = DigitModel.load(tmp_path / "model").abstention
    assert restored is not None
    assert restored.max_error == 0.01
    assert np.array_equal(restored.thresholds, ABSTENTION.thresholds)
    assert np.array_equal(restored.promises, ABSTENTION.promises)
    features = np.random.default_rng(0).normal(size=(3, D)).astype(np.float32)
    assert np.array_equal(restored.novelty.distances(features), EVERYWHERE.distances(features))


@pytest.mark.parametrize(
    "change",
    [
        {"thresholds": None},
        {"thresholds": np.array([0.5, 0.9])},
        {"thresholds": np.array([0.9, np.nan])},
        {"thresholds": np.array([0.9])},
        {"promises": np.array([0.1, 0.005])},
        {"promises": np.array([-1.0, 0.1])},
        {"promises": np.array(["a", "b"])},
        {"max_error": 7.0},
        {"whiteners": np.zeros((10, 2, 3))},
        {"directions": np.zeros(3)},
    ],
)
def test_damaged_files_are_refused(change: dict[str, Any], tmp_path: Path) -> None:
    MODEL.save(tmp_path / "model")
    path = tmp_path / "model" / FILE
    arrays: dict[str, Any] = dict(np.load(path)) | change
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(ModelError, match="holds no model"):
        DigitModel.load(tmp_path / "model")
