"""Digits on a page: where each is, and a picture of it alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_mlflow.data.pages.ink import Ink, Mask, find_ink
from mnist_mlflow.data.pages.lines import without_lines
from mnist_mlflow.data.pages.marks import Marks, find_marks, usual_height
from mnist_mlflow.data.pages.rows import in_rows
from mnist_mlflow.errors import ImageError
from mnist_mlflow.model.ink import Grey, in_grey, shrunk
from mnist_mlflow.types import SIDE, Picture

LONGEST = 2_000  # pixels of the longer side in which digits are looked for
MOST = 2_000  # digits of a page
MARGIN = 0.35  # of a digit's longer side: the paper that is left around it

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class FoundDigit:
    """A digit on a page: its box (x, y, w, h) in pixels, and a picture of it alone.

    `row` and `column` are its place in reading order, from 1.
    """

    row: int
    column: int
    box: Box
    picture: Picture


def find_digits(picture: Picture) -> list[FoundDigit]:
    """The digits of a picture in reading order.

    A picture of 28 x 28 pixels, or with one digit alone, is handed over whole.
    Raises ImageError for a picture without ink, and for one with so many marks that they are no digits.
    """
    height, width = picture.shape[:2]
    if (height, width) == (SIDE, SIDE):
        return [FoundDigit(1, 1, (0, 0, SIDE, SIDE), picture)]
    grey = in_grey(picture)
    small = shrunk(grey, LONGEST)
    ink = find_ink(small)
    marks = _marks_of(ink.mask)
    if not len(marks.boxes):
        raise ImageError("The picture shows no digits.")
    if len(marks.boxes) > MOST:
        raise ImageError(f"The picture has more than {MOST:,} marks: that is no page of digits.")
    scale = width / small.shape[1]
    boxes = np.rint(marks.boxes * scale).astype(int).tolist()
    alone = len(boxes) == 1
    return [
        FoundDigit(row, column, tuple(boxes[number]), picture if alone else _cut(grey, ink, marks, number))
        for row, numbers in enumerate(in_rows(marks.boxes), 1)
        for column, number in enumerate(numbers, 1)
    ]


def _marks_of(mask: Mask) -> Marks:
    """The marks that may be digits.

    Where most of the ink hangs together, long lines may be what joins it. Otherwise it is one large digit.
    """
    height = usual_height(mask)
    if height:
        return find_marks(without_lines(mask, height), height)
    rest = without_lines(mask, 0)
    height = usual_height(rest)
    if height or np.count_nonzero(rest) < 0.5 * np.count_nonzero(mask):
        return find_marks(without_lines(rest, height), height)
    return find_marks(mask, height)


def _cut(grey: Grey, ink: Ink, marks: Marks, number: int) -> Picture:
    """A digit with the paper around it, in grey and in full resolution; all other ink has become paper."""
    import cv2

    x, y, w, h = marks.boxes[number]
    margin = int(MARGIN * max(w, h)) + 3
    place = slice(max(0, y - margin), y + h + margin), slice(max(0, x - margin), x + w + margin)
    own = cv2.dilate((marks.labels[place] == number + 1).astype(np.uint8), np.ones((3, 3), np.uint8))
    others = cv2.dilate(ink.mask[place] & (own - 1), np.ones((7, 7), np.uint8)) & (own - 1)
    scale = grey.shape[1] / ink.mask.shape[1]
    top, left, bottom, right = (
        round(edge * scale)
        for edge in (place[0].start, place[1].start, *np.add(others.shape, [p.start for p in place]))
    )
    part = grey[top:bottom, left:right]
    size = part.shape[::-1]
    paper = cv2.resize(ink.paper[place], size, interpolation=cv2.INTER_LINEAR)
    return np.where(cv2.resize(others, size, interpolation=cv2.INTER_NEAREST) > 0, paper, part)
