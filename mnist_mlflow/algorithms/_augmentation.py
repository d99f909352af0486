"""Training images, varied as hands, pens, papers and cameras vary them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms._strokes import Ink, Random, add_foreign_strokes, add_remains_of_lines
from mnist_mlflow.model.features import FEATURES
from mnist_mlflow.types import SIDE, Examples, Images, Labels, Part, batches

# How far each thing goes at most, either way; draws are even.
TURN = np.deg2rad(8)
SHEAR = 0.15
ZOOM, ASPECT = 0.1, 0.3  # logarithms
BOXED, WIDEST = 0.3, 2.5  # share of the images that fill a square box, and the factor of a digit that is widened most
SHIFT = 1.5  # pixels
PROPORTIONS, WOBBLE = 1.0, 0.8  # pixels, by which each point of a 3 x 3 and a 5 x 5 grid moves
PEN = 0.8  # pixels, wider or narrower
BLUR = 0.2  # of a pixel's ink that each neighbour gets
CONTRAST = 0.6  # how much lighter or darker grey becomes: at most 0.15
MIDDLE = np.float32((SIDE - 1) / 2)


def varied_copies(train: Part, copies: float, kind: str, seed: int) -> Examples:
    """Features of so many varied copies of each image; half a copy is one of every second image. It is one at least."""
    random = np.random.default_rng((seed, len(train)))
    orders = [random.permutation(len(train)) for _ in range(math.ceil(copies))]
    rows = np.concatenate(orders)[: max(1, round(copies * len(train)))]
    features = [FEATURES[kind](vary(train.images[some], train.labels[some], random)) for some in batches(rows)]
    return Examples(np.concatenate(features), train.labels[rows])


def vary(images: Images, labels: Labels, random: Random) -> Images:
    """Images (n, 28, 28) uint8, each once more as somebody else might have written and photographed it.

    Another hand turns, shears, stretches and bends the digit, and may add strokes that MNIST's writers seldom draw.
    Another pen is wider or narrower. On other paper a line is near the digit. A camera blurs, and changes the contrast.
    Source: Simard et al., Best practices for convolutional neural networks applied to visual document analysis, 2003.
    """
    ink: Ink = np.float32(1 / 255) * images.astype(np.float32)
    add_foreign_strokes(ink, labels, random)
    add_remains_of_lines(ink, random)
    ink = change_contrast(blur(change_pen(bend(ink, random), random), random), random)
    return np.rint(255 * ink).astype(np.uint8)


def distort(images: npt.NDArray[Any], strength: float, random: Random) -> npt.NDArray[Any]:
    """Images (n, 28, 28) of any dtype, each turned, stretched, sheared and shifted at random, as hands differ.

    Strength 1 is up to 8 degrees, a tenth in either direction, a shear of 0.1, 1.5 pixels. All are drawn evenly.
    """
    import cv2

    draws = random.uniform(-strength, strength, (6, len(images)))
    linear = _linear(np.deg2rad(8) * draws[0], 0.1 * draws[1], *(1 + 0.1 * draws[2:4]))
    middle = np.full(2, MIDDLE)
    shift = middle - linear @ middle + 1.5 * draws[4:].T
    matrices = np.concatenate([linear, shift[..., None]], axis=2)
    warped = [cv2.warpAffine(image, matrix, (SIDE, SIDE)) for image, matrix in zip(images, matrices, strict=True)]
    return np.stack(warped)


def bend(ink: Ink, random: Random) -> Ink:
    """The ink turned, sheared, stretched and shifted; its proportions change, and its lines wobble."""
    import cv2

    angle, shear, zoom, aspect = np.array([[TURN], [SHEAR], [ZOOM], [ASPECT]]) * random.uniform(-1, 1, (4, len(ink)))
    across = np.exp(zoom + aspect / 2) / np.where(random.uniform(0, 1, len(ink)) < BOXED, _box_factors(ink), 1)
    linear = _linear(angle, shear, across, np.exp(zoom - aspect / 2))
    grid = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE))).astype(np.float32) - MIDDLE
    shift = MIDDLE + SHIFT * random.uniform(-1, 1, (len(ink), 2, 1, 1)).astype(np.float32)
    sources = (linear.astype(np.float32) @ grid.reshape(2, -1)).reshape(-1, 2, SIDE, SIDE) + shift
    for reach, points in ((PROPORTIONS, 3), (WOBBLE, 5)):
        sources += _smooth_field(reach, points, len(ink), random)
    warped = [cv2.remap(image, x, y, cv2.INTER_LINEAR) for image, (x, y) in zip(ink, sources, strict=True)]
    return np.stack(warped)


def _box_factors(ink: Ink) -> npt.NDArray[np.float64]:
    """Factors (n,) that make digits as wide as high, as forms and other data sets do."""
    width, height = ((ink > 0.5).any(axis=axis).sum(axis=1) for axis in (1, 2))
    factors: npt.NDArray[np.float64] = np.clip(height / np.maximum(width, 1), 1, WIDEST)
    return factors


def _linear(angle: Any, shear: Any, across: Any, down: Any) -> npt.NDArray[np.float64]:
    """Matrices (n, 2, 2) that shear, then turn, then stretch."""
    cosine, sine = np.cos(angle), np.sin(angle)
    rows = [across * cosine, across * (shear * cosine - sine)], [down * sine, down * (shear * sine + cosine)]
    return np.moveaxis(np.array(rows), 2, 0)


def _smooth_field(reach: float, points: int, count: int, random: Random) -> npt.NDArray[np.float32]:
    """Shifts (count, 2, 28, 28), in pixels, between those of a square grid of points that are drawn."""
    import cv2

    weights = cv2.resize(np.eye(points, dtype=np.float32), (points, SIDE), interpolation=cv2.INTER_CUBIC)
    shifts = random.uniform(-reach, reach, (count, 2, points, points)).astype(np.float32)
    return np.asarray(weights @ shifts @ weights.T)


def change_pen(ink: Ink, random: Random) -> Ink:
    """Strokes wider or narrower by up to a pixel; narrow ones keep their brightness."""
    width = PEN * random.uniform(-1, 1, (len(ink), 1, 1)).astype(np.float32)
    wide = np.maximum.reduce(_shifted(ink, (0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)))
    narrow = np.minimum.reduce(_shifted(ink, (0, 0), (0, 1), (1, 0), (1, 1)))
    changed = ink + np.abs(width) * (np.where(width > 0, wide, narrow) - ink)
    peaks, before = changed.max(axis=(1, 2), keepdims=True), ink.max(axis=(1, 2), keepdims=True)
    return np.where(peaks > 0.2, changed / np.maximum(peaks, 0.2) * before, ink)  # hairlines would vanish


def blur(ink: Ink, random: Random) -> Ink:
    """Half of the images out of focus, the others as they are."""
    share = np.maximum(0, BLUR * random.uniform(-1, 1, (len(ink), 1, 1))).astype(np.float32)
    for direction in ((0, 1), (1, 0)):
        before, after = _shifted(ink, direction, (-direction[0], -direction[1]))
        ink = ink + share * (before + after - 2 * ink)
    return ink


def change_contrast(ink: Ink, random: Random) -> Ink:
    """Grey between black and white becomes lighter or darker."""
    share = random.uniform(-CONTRAST, CONTRAST, (len(ink), 1, 1)).astype(np.float32)
    return ink + share * ink * (1 - ink)


def _shifted(ink: Ink, *directions: tuple[int, int]) -> list[Ink]:
    """The images, moved by a pixel in each of some directions (down, right)."""
    padded = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    return [padded[:, 1 - down : 1 - down + SIDE, 1 - right : 1 - right + SIDE] for down, right in directions]
