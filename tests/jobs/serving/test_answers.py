import base64
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest

from mnist_mlflow.errors import ImageError
from mnist_mlflow.jobs.serving.answers import SENTENCES, answer
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.readings import AMBIGUOUS, BLANK, NO_DIGIT, Readings
from mnist_mlflow.types import Picture


class Simulated(DigitModel):
    """Reads each picture as a four, or else a nine, for a reason that the test says, and keeps what it was asked."""

    def __init__(self, why: str) -> None:
        self.reason = why
        self.asked: list[tuple[tuple[int, ...], float | None]] = []

    def read(self, pictures: Sequence[Picture], max_error: float | None = None) -> Readings:  # type: ignore[override]
        self.asked.append((pictures[0].shape, max_error))
        images = np.zeros((1, 28, 28), np.uint8)
        images[0, 5:20, 10] = 255
        probabilities = np.full((1, 10), 0.01)
        probabilities[0, [4, 9]] = 0.6, 0.32
        return Readings(images, np.array([True]), probabilities, np.array([self.reason], object))


def told(why: str, png: bytes) -> dict[str, Any]:
    return answer(Simulated(why), png)


def test_an_answer_has_all_that_a_reading_has_and_the_picture_that_the_model_saw(png: bytes) -> None:
    content = told("", png)
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
    [("", "4: sure"), (AMBIGUOUS, "4, perhaps a 9: not sure"), (NO_DIGIT, "not sure"), (BLANK, "nothing")],
)
def test_a_sentence_says_what_it_is_and_whether_that_is_sure(why: str, words: str, png: bytes) -> None:
    assert words in told(why, png)["sentence"]
    assert told(why, png)["sure"] is (why == "")
    assert set(SENTENCES) == {"", AMBIGUOUS, NO_DIGIT, BLANK}


def test_the_allowed_error_reaches_the_model(png: bytes) -> None:
    model = Simulated("")
    answer(model, png, 0.02)
    assert model.asked == [((28, 28), 0.02)]


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(ImageError, match="no picture"):
        answer(Simulated(""), b"GIF89a")
