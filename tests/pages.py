"""Pages with rows of digits: `python -m tests.pages PATH` writes one of MNIST's validation digits.

The tests make theirs of the bundled digits.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from mnist_mlflow.data import load_dataset
from mnist_mlflow.data.digits import load_digits
from mnist_mlflow.types import Part

Page = npt.NDArray[np.uint8]
DIGIT = 56  # pixels: twice the height of an image of a data set
FIRST = 296  # of the copies on the page of the documents: among them is a 4 that might be a 9
PAPER, INK = 225, 50


def digit(part: Part, number: int, copy: int, size: int) -> Page:
    """A digit of a data set in bright ink on black, in pixels a side."""
    image = part.images[np.flatnonzero(part.labels == number)[copy]]
    large = cv2.resize(image, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.GaussianBlur(np.where(large > 110, 255, 0).astype(np.uint8), (0, 0), 0.8), np.uint8)


def page(rows: Sequence[str], apart: int = 70, size: int = DIGIT, part: Part | None = None, first: int = 0) -> Page:
    """Rows of digits, dark on bright, of each digit the copies from a first; a space leaves a place empty."""
    part = part or load_digits()
    width, height = apart * (max(map(len, rows)) + 1), (len(rows) + 1) * 2 * size
    strength = np.zeros((height, width), np.uint8)
    for line, row in enumerate(rows):
        for place, sign in enumerate(row):
            left = apart // 2 + place * apart
            top = size // 2 + line * 2 * size
            if sign != " ":
                strength[top : top + size, left : left + size] |= digit(part, int(sign), first + 3 * line + place, size)
    return np.rint(PAPER - (PAPER - INK) * (strength / 255)).astype(np.uint8)


def in_shadow(sheet: Page) -> Page:
    """The sheet under a lamp on the left, with a soft shadow across it."""
    across = np.linspace(1, 0.6, sheet.shape[1])
    shadow = 1 - 0.4 / (1 + np.exp(-(np.arange(sheet.shape[1]) - 0.6 * sheet.shape[1]) / 12))
    return np.asarray(np.rint(sheet * across * shadow), np.uint8)


def with_grain(sheet: Page) -> Page:
    noise = np.random.default_rng(0).normal(0, 4, sheet.shape)
    return np.rint(np.clip(sheet + noise, 0, 255)).astype(np.uint8)


def ruled(sheet: Page, apart: int, squared: bool = False) -> Page:
    """The sheet with level lines, and upright ones if it is squared."""
    sheet = sheet.copy()
    lines = [sheet[apart // 2 :: apart], sheet[apart // 2 + 1 :: apart]]
    lines += [sheet[:, apart // 2 :: apart], sheet[:, apart // 2 + 1 :: apart]] if squared else []
    for line in lines:
        np.minimum(line, 140, out=line)
    return sheet


def photographed() -> Page:
    """The page of the documents: MNIST's validation digits, which taught no model, ruled, in a shadow, with grain."""
    sheet = page(["3141592653", "2718 28182", "577 215664"], 104, 104, load_dataset("auto").validation, FIRST)
    return with_grain(in_shadow(ruled(sheet[:-150], 104)))


if __name__ == "__main__":
    cv2.imwrite(str(Path(sys.argv[1])), photographed())
