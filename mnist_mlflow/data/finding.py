"""Digits on a page: where each is, and a picture of it alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_mlflow.data.ink import Grey, Ink, find_ink, in_grey
from mnist_mlflow.data.lines import without_lines
from mnist_mlflow.data.marks import Marks, find_marks, usual_height
from mnist_mlflow.data.rows import in_rows
from mnist_mlflow.errors import ImageError
from mnist_mlflow.types import SIDE, Picture

LONGEST = 2_000  # pixels of the longer side in which digits are looked for
MOST = 2_000  # digits of a page
MARGIN = 0.35  # of a digit's longer side: the paper that is left around it

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class FoundDigit:
    """A digit on a page: its place in reading order, from 1, its box (x, y, w, h) in pixels, and a picture of it."""

    row: int
    column: int
    box: Box
    picture: Picture


def find_digits(picture: Picture) -> list[FoundDigit]:
    """The digits of a picture in reading order; of 28 x 28 pixels, or with one digit alone, the whole picture.

    Raises ImageError for a picture without ink, and for one with so many marks that they are no digits.
    """
    height, width = picture.shape[:2]
    if (height, width) == (SIDE, SIDE):
        return [FoundDigit(1, 1, (0, 0, SIDE, SIDE), picture)]
    grey = in_grey(picture)
    ink, marks = look(grey)
    if not len(marks.boxes):
        raise ImageError("no digits are found in it")
    if len(marks.boxes) > MOST:
        raise ImageError(f"it has more than {MOST:,} marks, which are no digits")
    scale = width / ink.mask.shape[1]
    return [
        FoundDigit(row, column, _scaled(marks.boxes[number], scale), cut(ink, marks, number))
        for row, numbers in enumerate(in_rows(marks.boxes), 1)
        for column, number in enumerate(numbers, 1)
    ]


def look(grey: Grey) -> tuple[Ink, Marks]:
    import cv2

    scale = min(1, LONGEST / max(grey.shape))
    if scale < 1:
        grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    ink = find_ink(grey)
    mask, height = ink.mask, usual_height(ink.mask)
    if not height:
        mask = without_lines(mask, 0)
        height = usual_height(mask)
    mask = without_lines(mask, height)
    return ink, find_marks(mask, usual_height(mask))


def _scaled(box, scale: float) -> Box:
    x, y, w, h = (round(float(side) * scale) for side in box)
    return x, y, w, h


def cut(ink, marks, number):
    return ink.grey
