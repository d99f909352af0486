"""Strokes that MNIST's writers seldom draw: those of other countries, and the remains of lines on the paper.

MNIST was written in the United States. Elsewhere many people begin a 1 with an upstroke, cross a 7, and end a 9 with a
hook. The stem of their 4 is short.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import SIDE, Labels

UPSTROKE, FOOT, SHORT, BAR, HOOK = 0.6, 0.1, 0.4, 0.4, 0.4  # shares of the ones, fours, sevens and nines
LINE = 0.05  # share of the images
EDGE = 5  # pixels from the border in which a line remains
PRECISE = 4  # binary places of OpenCV's coordinates

SMALLEST = 6  # rows that a digit has at least
SHORTEST_STEM = 4  # rows below the bar of a 4

Ink = npt.NDArray[np.float32]  # (n, 28, 28), from 0 to 1
Image = npt.NDArray[np.float32]  # (28, 28), from 0 to 1
Point = tuple[float, float]
Random = np.random.Generator


def add_foreign_strokes(ink: Ink, labels: Labels, random: Random) -> None:
    """Write some ones, fours, sevens and nines of images (n, 28, 28) as people do elsewhere."""
    chance = random.random(len(ink))
    for digit, share, add in (
        (1, UPSTROKE, add_upstroke),
        (1, FOOT, add_foot),
        (4, SHORT, shorten_stem),
        (7, BAR, add_bar),
        (9, HOOK, add_hook),
    ):
        for row in np.flatnonzero((labels == digit) & (chance < share)):
            if (shape := measure(ink[row])) is not None:
                add(ink[row], shape, random)


@dataclass(frozen=True)
class Shape:
    """The top and the bottom row of a digit's ink, and the width of its strokes in pixels."""

    top: int
    bottom: int
    width: float

    @property
    def height(self) -> int:
        """From the top to the bottom, in pixels."""
        return self.bottom - self.top + 1


def measure(image: Image) -> Shape | None:
    """The shape of a digit; None for an image with hardly any ink."""
    import cv2

    ink = image > 0.5
    rows = np.flatnonzero(ink.any(axis=1))
    if len(rows) < SMALLEST:
        return None
    depth = cv2.distanceTransform(ink.astype(np.uint8), cv2.DIST_L2, 3)[ink].mean()
    return Shape(int(rows[0]), int(rows[-1]), 4 * float(depth) - 2)


def add_upstroke(image: Image, shape: Shape, random: Random) -> None:
    """Draw a stroke up to the top of a 1, at an angle to its stem."""
    x, y = middle_of(image, shape.top), shape.top + shape.width / 2
    slant = np.arctan2(x - middle_of(image, shape.bottom), shape.height)
    length, angle = shape.height * random.uniform(0.25, 0.9), slant + np.deg2rad(random.uniform(20, 55))
    start = x - length * np.sin(angle), y + length * np.cos(angle)
    draw_line(image, start, (x, y), shape.width * random.uniform(0.7, 1))


def add_foot(image: Image, shape: Shape, random: Random) -> None:
    """Draw a stroke below a 1."""
    x, y, half = middle_of(image, shape.bottom), shape.bottom - shape.width / 2, random.uniform(2, 6)
    draw_line(image, (x - half, y), (x + half, y), shape.width)


def shorten_stem(image: Image, shape: Shape, random: Random) -> None:
    """Let the stem of a 4 begin a little above its bar; the bar is the row with most ink."""
    first, last = (int(shape.top + share * shape.height) for share in (0.4, 0.8))
    bar = first + int((image[first:last] > 0.5).sum(axis=1).argmax())
    below = range(bar + math.ceil(shape.width / 2) + 1, shape.bottom + 1)
    if len(below) >= SHORTEST_STEM:
        line = np.polyfit(below, [middle_of(image, row) for row in below], 1)
        rows = np.arange(int(bar - random.uniform(2, 6)))
        image[rows] *= np.arange(SIDE) < np.polyval(line, rows)[:, None] - shape.width / 2 - 1


def add_bar(image: Image, shape: Shape, random: Random) -> None:
    """Draw a stroke across the stem of a 7."""
    row = int(shape.top + shape.height * random.uniform(0.4, 0.65))
    x, half, rise = middle_of(image, row), random.uniform(2.5, 5), random.uniform(-0.5, 1)
    draw_line(image, (x - half, row + rise), (x + half, row - rise), shape.width)


def add_hook(image: Image, shape: Shape, random: Random) -> None:
    """Draw the end of a 9 on to the left, and up a little."""
    x, y = middle_of(image, shape.bottom), shape.bottom - shape.width / 2
    length, rise = random.uniform(3, 9), random.uniform(-0.5, 3)
    corner = x - 0.6 * length, y + 0.5
    draw_line(image, (x, y), corner, shape.width)
    draw_line(image, corner, (x - length, y - rise), shape.width)


def middle_of(image: Image, row: int) -> float:
    """The mean column of the ink in a row."""
    columns = np.flatnonzero(image[row] > 0.5)
    return float(columns.mean()) if len(columns) else SIDE / 2


def add_remains_of_lines(ink: Ink, random: Random) -> None:
    """Draw a piece of a line, as of a form or a frame, near the border of some images (n, 28, 28)."""
    for row in np.flatnonzero(random.random(len(ink)) < LINE):
        place, start, end = random.integers(EDGE), *np.sort(random.integers(SIDE, size=2))
        flipped = ink[row].T if random.random() < 0.5 else ink[row]
        line = flipped[place if random.random() < 0.5 else -1 - place, start : end + 1]
        np.maximum(line, random.uniform(0.3, 1), out=line)


def draw_line(image: Image, start: Point, end: Point, width: float) -> None:
    """Draw a line between two points (x, y), so many pixels wide."""
    import cv2

    canvas = np.zeros(image.shape, np.uint8)
    corners = [tuple(round(value * 2**PRECISE) for value in point) for point in (start, end)]
    cv2.line(canvas, corners[0], corners[1], 255, max(1, round(width)), cv2.LINE_AA, PRECISE)
    np.maximum(image, canvas.astype(np.float32) / 255, out=image)
