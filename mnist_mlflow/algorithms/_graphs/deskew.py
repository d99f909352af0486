"""Deskewing as a graph: pixel by pixel what `model/features.py` makes of an image by OpenCV."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_mlflow.algorithms._graphs.formulas import Numbers
from mnist_mlflow.model.features import LEAST, SPREAD
from mnist_mlflow.types import SIDE

MIDDLE = (SIDE - 1) / 2
PIXELS = np.arange(SIDE, dtype=np.float64)
ACROSS, DOWN = (places.ravel() for places in np.meshgrid(PIXELS, PIXELS))
POWERS = np.stack([ACROSS**0, ACROSS, DOWN, ACROSS**2, ACROSS * DOWN, DOWN**2], axis=1)
# OpenCV rounds each part of a place to 1024ths of a pixel, and the place to 32nds.
STEPS, FINE = 1024, 32
HALF_GRID = 16  # a grid of 2 x 16 + 1 pixels has places that are exact: the pixel's divided by 16, less 1


@dataclass(frozen=True)
class Upright:
    """The map of images from a pixel of the result to where its ink is, all (n, 1) float64.

    That is at x = `across` * column + `shear` * row + `left`, and y = `down` * row + `top`.
    """

    across: Numbers
    shear: Numbers
    down: Numbers
    left: Numbers
    top: Numbers


def add_deskewed(images: Numbers) -> Numbers:
    """Images (n, 28, 28) uint8, deskewed, as whole numbers in float32 of the same shape.

    Those without ink, and with all of it in one row, stay as they are.
    """
    ink = images.into("Reshape", [0, SIDE * SIDE]).to(np.float64)
    mass, x, y, xx, xy, yy = ((ink @ POWERS).into("Gather", [power], axis=1) for power in range(POWERS.shape[1]))
    mass = mass.into("Max", 1.0)
    right, lower = x / mass, y / mass
    mu20, mu11, mu02 = xx - x * right, xy - x * lower, yy - y * lower
    skew = mu11 / mu02.into("Max", LEAST)
    variances = (mu20 - skew * mu11) / mass, mu02 / mass
    across, down = (_scale(variance, usual) for variance, usual in zip(variances, SPREAD.ravel(), strict=True))
    shear = skew * down
    upright = Upright(across, shear, down, right - (across + shear) * MIDDLE, lower - down * MIDDLE)
    pixels = images.to(np.float32)
    return _sampled(pixels, upright).unless(mu02.into("Less", LEAST).into("Unsqueeze", [2]), pixels)


def _scale(variance: Numbers, usual: float) -> Numbers:
    return (variance.into("Max", 0.0).into("Sqrt") / usual).into("Max", 0.1).into("Sqrt")


def _sampled(images: Numbers, upright: Upright) -> Numbers:
    """The images (n, 28, 28) float32 at these places, between the pixels, rounded half up; beyond them is no ink."""
    steps = PIXELS[None] * STEPS
    starts = (upright.shear * steps + upright.left * STEPS).into("Round").into("Unsqueeze", [2])
    columns = starts + (upright.across * steps).into("Round").into("Unsqueeze", [1])
    rows = (upright.down * steps + upright.top * STEPS).into("Round").into("Unsqueeze", [2])
    x = _on_grid(columns)
    y = _on_grid(rows).into("Expand", x.into("Shape"))
    grid = x.into("Concat", y, axis=3)
    room = 2 * HALF_GRID + 1 - SIDE
    padded = images.into("Unsqueeze", [1]).into("Pad", [0, 0, 0, 0, 0, 0, room, room])
    sampled = padded.into("GridSample", grid, align_corners=1, mode="linear", padding_mode="zeros")
    return (sampled + 0.5).into("Floor").into("Squeeze", [1])


def _on_grid(places: Numbers) -> Numbers:
    """Places (n, 28, ...) in 1024ths of a pixel, as GridSample takes them: (n, 28, ..., 1) float32, from -1 to 1."""
    fine = ((places + STEPS / FINE / 2) / (STEPS / FINE)).into("Floor") / FINE
    return (fine / HALF_GRID - 1).to(np.float32).into("Unsqueeze", [3])
