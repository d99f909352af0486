"""Pictures that are no digits, made from training images: by them the limit of novelty is chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import CLASSES, SIDE, Images, Part

HALF, MARGIN = SIDE // 2, 4
FINE = 4  # times the size, at which strokes are drawn
ALIKE = (0, 1, 8)  # digits still when they are turned or mirrored
IN_HALVES = (2, 3, 4, 5, 6)  # of which a half is seldom another digit


def no_digits(part: Part, count: int, seed: int = 0) -> Images:
    """So many images of each kind that is no digit, made from those of a part; the seed drives them."""
    random = np.random.default_rng(seed)
    return np.concatenate([make(part, count, random) for make in KINDS])


def _some(part: Part, count: int, random: np.random.Generator, digits: Sequence[int] = range(CLASSES)) -> Images:
    rows = random.choice(np.flatnonzero(np.isin(part.labels, digits)), count)
    return part[rows].images


def halves(part: Part, count: int, random: np.random.Generator) -> Images:
    """Digits of which a half is covered, from any side."""
    images = _some(part, count, random, IN_HALVES)
    for image, side in zip(images, random.integers(0, 4, count), strict=True):
        np.rot90(image, side)[HALF:] = 0
    return images


def pairs(part: Part, count: int, random: np.random.Generator) -> Images:
    """Two digits side by side, each half as large."""
    import cv2

    both = np.concatenate([_some(part, count, random), _some(part, count, random)], axis=2)
    small = [cv2.resize(image, (SIDE, HALF), interpolation=cv2.INTER_AREA) for image in both]
    return np.pad(small, ((0, 0), (HALF // 2, HALF // 2), (0, 0)))


def overlays(part: Part, count: int, random: np.random.Generator) -> Images:
    """Two digits over each other, the second upside down, or higher or lower by some pixels."""
    below, above = _some(part, count, random), _some(part, count, random)[:, ::-1]
    shifts = random.integers(-MARGIN, MARGIN + 1, count)
    moved = [np.roll(image, shift, axis=0) for image, shift in zip(above, shifts, strict=True)]
    return np.maximum(below, moved)


def turned(part: Part, count: int, random: np.random.Generator) -> Images:
    """Digits that lie on a side, mirrored or not, of those that are no digits then."""
    images = _some(part, count, random, sorted({*range(CLASSES)} - {*ALIKE}))
    ways = random.integers(0, 2, (count, 2))
    lying = [np.rot90(image[:, :: 1 - 2 * way], 1 + 2 * turn) for image, (way, turn) in zip(images, ways, strict=True)]
    return np.stack(lying)


def shuffled(part: Part, count: int, random: np.random.Generator) -> Images:
    """Digits whose quarters change places in a circle."""
    images = _some(part, count, random)
    upper, lower = images[:, :HALF], images[:, HALF:]
    left, right = np.split(np.concatenate([lower, upper], axis=1), 2, axis=2)
    return np.concatenate([right, np.roll(left, HALF, axis=1)], axis=2)


def scribbles(part: Part, count: int, random: np.random.Generator) -> Images:
    """Strokes without a lift that wander about."""
    lengths = random.integers(6, 14, count)
    curves = [_curve(random.uniform(MARGIN, SIDE - MARGIN, (length, 2))) for length in lengths]
    return np.stack([_draw([curve], random) for curve in curves])


def lines(part: Part, count: int, random: np.random.Generator) -> Images:
    """Two to five straight strokes, of which each begins and ends anywhere; many cross."""
    strokes = [random.uniform(MARGIN, SIDE - MARGIN, (2 + number % 4, 2, 2)) for number in range(count)]
    return np.stack([_draw(some, random) for some in strokes])


def blobs(part: Part, count: int, random: np.random.Generator) -> Images:
    """Spots of ink."""
    import cv2

    fields = [cv2.GaussianBlur(random.normal(size=(SIDE, SIDE)), (0, 0), random.uniform(1.5, 4)) for _ in range(count)]
    return np.stack([np.where(field > np.quantile(field, 0.7), 255, 0).astype(np.uint8) for field in fields])


def noise(part: Part, count: int, random: np.random.Generator) -> Images:
    """Pixels of any brightness, few or many of them."""
    inked = random.random((count, SIDE, SIDE)) < random.uniform(0.05, 0.9, (count, 1, 1))
    return np.where(inked, random.integers(0, 256, inked.shape), 0).astype(np.uint8)


KINDS = (halves, pairs, overlays, turned, shuffled, scribbles, lines, blobs, noise)


def _curve(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A smooth line (100, 2) through points (n, 2)."""
    from scipy.interpolate import CubicSpline

    curve: npt.NDArray[np.float64] = CubicSpline(np.arange(len(points)), points)(np.linspace(0, len(points) - 1, 100))
    return curve


def _draw(strokes: Iterable[npt.NDArray[np.float64]], random: np.random.Generator) -> Images:
    """Strokes, each of points in pixels, with one pen, in an image (28, 28)."""
    import cv2

    paper, pen = np.zeros((FINE * SIDE, FINE * SIDE), np.uint8), int(random.integers(6, 12))
    cv2.polylines(paper, [np.int32(FINE * stroke) for stroke in strokes], False, 255, pen, cv2.LINE_AA)
    return np.asarray(cv2.resize(paper, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
