"""Answers: a picture, as the bytes of a file, is read and said in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mnist_mlflow.data.pages.finding import find_digits
from mnist_mlflow.model.decoding import decode
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.readings import AMBIGUOUS, BLANK, NO_DIGIT
from mnist_mlflow.reports.html import embedded
from mnist_mlflow.types import PROBABILITY_COLUMNS, Images, Picture

SENTENCES = {  # by the reason why an answer is not sure
    "": "This is a {digit}: sure.",
    AMBIGUOUS: "Probably a {digit}: not sure.",
    NO_DIGIT: "This does not look like a digit: not sure.",
    BLANK: "Nothing is written here.",
}
PLACE = ("row", "column", "box")  # of a digit on a page

Answer = dict[str, Any]  # ready for JSON


def answer(model: DigitModel, content: bytes, max_error: float | None = None) -> Answer:
    """The answer to a picture of one digit; raises ImageError for bytes that are no picture.

    `saw` is what the model saw, 28 x 28 pixels, as an address that holds the picture itself.
    """
    return _answers(model, [decode(content)], max_error)[0]


def answer_page(model: DigitModel, content: bytes, max_error: float | None = None) -> Answer:
    """The answers to the digits of a picture, in reading order, each with its place; `size` is (width, height).

    Raises ImageError for bytes that are no picture, and for a picture on which no digits are found.
    """
    picture = decode(content)
    found_digits = find_digits(picture)
    places = [{name: getattr(digit, name) for name in PLACE} for digit in found_digits]
    answers = _answers(model, [digit.picture for digit in found_digits], max_error)
    digits = [{**one, **place} for one, place in zip(answers, places, strict=True)]
    return {"digits": digits, "size": picture.shape[1::-1]}


def _answers(model: DigitModel, pictures: Sequence[Picture], max_error: float | None) -> list[Answer]:
    readings = model.read(pictures, max_error)
    rows: list[dict[Any, Any]] = readings.to_frame().to_dict("records")
    return [
        {
            "probabilities": [row.pop(column) for column in PROBABILITY_COLUMNS],
            **row,
            "sentence": SENTENCES[row["why"]].format_map(row),
            "saw": embedded(_as_png(image)),
        }
        for row, image in zip(rows, readings.images, strict=True)
    ]


def _as_png(image: Images) -> bytes:
    import cv2

    return cv2.imencode(".png", image)[1].tobytes()
