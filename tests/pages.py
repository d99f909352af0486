"""Pages with rows of the bundled digits: `python -m tests.pages PATH` writes one, ruled and in a shadow."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from mnist_mlflow.data.digits import load_digits

Page = npt.NDArray[np.uint8]
DIGIT = 56  # pixels: twice the height of an image of a data set
PAPER, INK = 225, 50


def digit(number: int, copy: int = 0, size: int = DIGIT) -> Page:
    """A digit in bright ink on black, in pixels a side."""
    part = load_digits()
    image = part.images[np.flatnonzero(part.labels == number)[copy]]
    large = cv2.resize(image, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.GaussianBlur(np.where(large > 110, 255, 0).astype(np.uint8), (0, 0), 0.8), np.uint8)


def page(rows: Sequence[str], apart: int = 70, size: int = DIGIT, slant: float = 0.0) -> Page:
    """Rows of digits on a sheet, dark on bright; a space leaves a place empty. `slant` is rise to run."""
    width, height = apart * (max(map(len, rows)) + 1), (len(rows) + 1) * 2 * size
    strength = np.zeros((height, width), np.uint8)
    for line, row in enumerate(rows):
        for place, sign in enumerate(row):
            left = apart // 2 + place * apart
            top = size // 2 + line * 2 * size + round(slant * left)
            if sign != " ":
                strength[top : top + size, left : left + size] |= digit(int(sign), 3 * line + place, size)
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


if __name__ == "__main__":
    written = with_grain(in_shadow(ruled(page(["3141592653", "2718 28182", "577 215664"]), 56)))
    cv2.imwrite(str(Path(sys.argv[1])), written)
