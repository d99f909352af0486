"""Answers: a picture, as the bytes of a file, is read and said in words."""

from __future__ import annotations

from typing import Any

from mnist_mlflow.model.decoding import decode
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.readings import AMBIGUOUS, BLANK, NO_DIGIT
from mnist_mlflow.reports.html import embedded
from mnist_mlflow.types import PROBABILITY_COLUMNS, Images

SENTENCES = {  # by the reason why an answer is not sure
    "": "This is a {digit}: sure.",
    AMBIGUOUS: "Probably a {digit}, perhaps a {second}: not sure.",
    NO_DIGIT: "This does not look like a digit: not sure. The nearest is {digit}.",
    BLANK: "There is nothing to read.",
}


def answer(model: DigitModel, content: bytes, max_error: float | None = None) -> dict[str, Any]:
    """The answer to a picture of one digit, ready for JSON; raises ImageError for bytes that are no picture.

    `saw` is what the model saw, 28 x 28 pixels, as an address that holds the picture itself.
    """
    readings = model.read([decode(content)], max_error)
    row: dict[Any, Any] = readings.to_frame().to_dict("records")[0]
    probabilities = [row.pop(column) for column in PROBABILITY_COLUMNS]
    sentence = SENTENCES[row["why"]].format_map(row)
    return {**row, "probabilities": probabilities, "sentence": sentence, "saw": embedded(_as_png(readings.images))}


def _as_png(images: Images) -> bytes:
    import cv2

    return cv2.imencode(".png", images[0])[1].tobytes()
