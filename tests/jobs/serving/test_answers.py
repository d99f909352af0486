import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import ImageError
from mnist_mlflow.jobs.serving.answers import SENTENCES, answer, answer_page
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.readings import AMBIGUOUS, BLANK, NO_DIGIT, Readings
from mnist_mlflow.types import Picture
from tests.readers import mean_images


class Simulated(DigitModel):
    """Reads each picture as a four, or else a nine, for a reason that a test says; keeps what it was asked."""

    why: str
    asked: list[tuple[int, float | None]]

    def read(self, pictures: Sequence[Picture], max_error: float | None = None) -> Readings:  # type: ignore[override]
        self.asked.append((len(pictures), max_error))
        images = np.zeros((len(pictures), 28, 28), np.uint8)
        images[:, 5:20, 10] = 255
        probabilities = np.full((len(pictures), 10), 0.01)
        probabilities[:, [4, 9]] = 0.6, 0.32
        why, inverted = np.array([self.why] * len(pictures), object), np.ones(len(pictures), bool)
        return replace(super().read(images), images=images, inverted=inverted, probabilities=probabilities, why=why)


@pytest.fixture
def model(digits: Dataset) -> Simulated:
    model = Simulated(**vars(mean_images(digits)))
    object.__setattr__(model, "why", "")
    object.__setattr__(model, "asked", [])
    return model


def page_of(*boxes: tuple[int, int, int, int]) -> bytes:
    """A white page with a dark stroke from corner to corner of each box (x, y, w, h)."""
    page = np.full((400, 600), 255, np.uint8)
    for x, y, w, h in boxes:
        cv2.line(page, (x, y), (x + w, y + h), 0, 9)
    return cv2.imencode(".png", page)[1].tobytes()


def test_an_answer_has_all_that_a_reading_has_and_the_picture_that_the_model_saw(model: Simulated, png: bytes) -> None:
    content = answer(model, png)
    assert (content["digit"], content["second"], content["confidence"]) == (4, 9, 0.6)
    assert (content["sure"], content["why"], content["inverted"]) == (True, "", True)
    assert content["probabilities"][9] == 0.32
    assert len(content["probabilities"]) == 10
    form, encoded = content["saw"].split(",")
    assert form == "data:image/png;base64"
    seen = np.asarray(cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), cv2.IMREAD_UNCHANGED))
    assert seen.shape == (28, 28)
    assert (seen[5:20, 10] == 255).all()
    assert seen.sum() == 15 * 255


@pytest.mark.parametrize(
    ("why", "words"),
    [("", "4: sure"), (AMBIGUOUS, "4: not sure"), (NO_DIGIT, "not sure"), (BLANK, "Nothing is")],
)
def test_a_sentence_says_what_it_is_and_whether_that_is_sure(
    model: Simulated, why: str, words: str, png: bytes
) -> None:
    object.__setattr__(model, "why", why)
    assert words in answer(model, png)["sentence"]
    assert answer(model, png)["sure"] is (why == "")
    assert set(SENTENCES) == {"", AMBIGUOUS, NO_DIGIT, BLANK}


def test_the_digits_of_a_page_are_answered_together_each_with_its_place(model: Simulated) -> None:
    boxes = [(60, 60, 40, 80), (300, 50, 50, 90), (80, 260, 30, 80)]
    content: dict[str, Any] = answer_page(model, page_of(*boxes), 0.02)
    assert model.asked == [(3, 0.02)]
    assert content["size"] == (600, 400)
    assert [(one["row"], one["column"], one["digit"]) for one in content["digits"]] == [(1, 1, 4), (1, 2, 4), (2, 1, 4)]
    for one, (x, y, w, h) in zip(content["digits"], boxes, strict=True):
        assert np.abs(np.subtract(one["box"], (x, y, w, h))).max() < 15


def test_a_page_without_digits_is_refused_in_a_line(model: Simulated) -> None:
    with pytest.raises(ImageError, match=r"^The picture shows no digits\.$"):
        answer_page(model, page_of())


def test_the_allowed_error_reaches_the_model(model: Simulated, png: bytes) -> None:
    answer(model, png, 0.02)
    assert model.asked == [(1, 0.02)]


@pytest.mark.parametrize("read", [answer, answer_page])
def test_what_is_no_picture_is_refused(model: Simulated, read: Any) -> None:
    with pytest.raises(ImageError, match="no picture"):
        read(model, b"GIF89a")
