"""Changes of one image (28, 28) by an amount, as pens, papers and cameras make them; begin with corruptions.py.

Each takes the image, ink bright on a dark ground, the amount, and the source of its chance. It returns the changed
image, of values that may have fractions or lie beyond 0-255.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import SIDE

Image: TypeAlias = npt.NDArray[Any]
Random: TypeAlias = np.random.Generator

MIDDLE = (SIDE - 1) / 2
FINER = 4  # times as many pixels a side, for lines and edges that are finer than a pixel
RULING = 11  # pixels between two ruled lines
SMOOTHNESS = 4.0  # pixels over which an elastic change goes the same way


def shift(image: Image, pixels: float, random: Random) -> Image:
    """Moved in some direction."""
    angle = random.uniform(0, 2 * np.pi)
    return _warp(image, np.eye(2), (pixels * np.cos(angle), pixels * np.sin(angle)))


def scale(image: Image, logarithm: float, random: Random) -> Image:
    """Larger or smaller."""
    return _warp(image, np.eye(2) * np.exp(logarithm * _sign(random)))


def turn(image: Image, degrees: float, random: Random) -> Image:
    """Turned to the left or to the right."""
    angle = np.radians(degrees * _sign(random))
    return _warp(image, [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def slant(image: Image, shear: float, random: Random) -> Image:
    """Leaning to the left or to the right."""
    return _warp(image, [[1, shear * _sign(random)], [0, 1]])


def _sign(random: Random) -> int:
    return int(random.choice((-1, 1)))


def _warp(image: Image, linear: Any, moved: tuple[float, float] = (0, 0)) -> Image:
    """The image under a linear map (2, 2) about its middle, then moved by pixels across and down."""
    origin = np.full(2, MIDDLE) - np.asarray(linear) @ np.full(2, MIDDLE) + moved
    return np.asarray(cv2.warpAffine(image, np.c_[linear, origin], (SIDE, SIDE), flags=cv2.INTER_LINEAR))


def thin(image: Image, share: float, random: Random) -> Image:
    """Strokes that have lost a share of their width, as dark as before."""
    changed = _morph(image, cv2.erode, share)
    return np.asarray(changed * (image.max() / max(changed.max(), 1)))


def thick(image: Image, share: float, random: Random) -> Image:
    """Strokes that have won a share of their width."""
    return _morph(image, cv2.dilate, share)


def _morph(image: Image, change: Callable[[Image, Image], Image], share: float) -> Image:
    """The image with strokes of another width.

    Source: Castro et al., Morpho-MNIST: quantitative assessment and diagnostics for representation learning, 2019.
    """
    fine = cv2.resize(image, None, fx=FINER, fy=FINER, interpolation=cv2.INTER_LINEAR)
    radius = round(share * _stroke_width(fine) / 2)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.resize(change(fine, disc), (SIDE, SIDE), interpolation=cv2.INTER_AREA))


def _stroke_width(image: Image) -> float:
    """The mean width of strokes in pixels: twice their area for each pixel of their outlines."""
    ink = (image > 127).astype(np.uint8)
    outlines, _ = cv2.findContours(ink, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(outline, closed=True) for outline in outlines)
    return 2 * float(ink.sum()) / length if length else 0.0


def blur(image: Image, deviation: float, random: Random) -> Image:
    """Out of focus."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), deviation))


def motion(image: Image, pixels: float, random: Random) -> Image:
    """Drawn out in some direction, as by a hand that shakes."""
    angle, middle = random.uniform(0, np.pi), SIDE // 4
    kernel = np.zeros((2 * middle + 1, 2 * middle + 1), np.uint8)
    way = np.array([np.cos(angle), np.sin(angle)]) * pixels / 2
    _draw(kernel, middle - way, middle + way, 1)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()))


def noise(image: Image, deviation: float, random: Random) -> Image:
    """Another value in each pixel, as of a camera in the dark."""
    return image + deviation * random.standard_normal(image.shape)


def specks(image: Image, count: float, random: Random) -> Image:
    """Bright dots, as of dust."""
    changed = image.copy().ravel()
    places, values = random.permutation(changed.size), random.integers(128, 256, changed.size, np.uint8)
    dots = places[: int(count)]
    changed[dots] = np.maximum(changed[dots], values[dots])
    return changed.reshape(image.shape)


def contrast(image: Image, share: float, random: Random) -> Image:
    """Ink and ground that differ by a share of what they did."""
    return 127.5 + share * (image - 127.5)


def brightness(image: Image, light: float, random: Random) -> Image:
    """A bright ground under the ink."""
    return _lighted(image, light)


def light(image: Image, light: float, random: Random) -> Image:
    """A ground that is bright on one side."""
    angle = random.uniform(0, 2 * np.pi)
    way = np.linspace(-0.5, 0.5, SIDE)
    slope = np.cos(angle) * way[None] + np.sin(angle) * way[:, None]
    return _lighted(image, light * (slope - slope.min()) / np.ptp(slope))


def _lighted(image: Image, ground: Any) -> Image:
    return np.asarray(ground + image * ((255 - ground) / 255))


def jpeg(image: Image, quality: float, random: Random) -> Image:
    """Kept as a JPEG file of some quality."""
    _, content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE))


def frame(image: Image, pixels: float, random: Random) -> Image:
    """Lines of some width at the four sides, as of a cell in a form."""
    changed = image.copy()
    for side in range(4):
        start = random.integers(0, 2)
        np.rot90(changed, side)[start : start + int(pixels)] = 255
    return changed


def ruled_line(image: Image, value: float, random: Random) -> Image:
    """Lines of ruled paper, faint to bright."""
    changed = image.copy()
    rows = changed[random.integers(0, RULING) :: RULING]
    rows[:] = np.maximum(rows, value)
    return changed


def strike_through(image: Image, pixels: float, random: Random) -> Image:
    """A line of some width through the middle of the ink, from one side of it to the other."""
    changed, angle = image.copy(), random.uniform(-np.pi / 6, np.pi / 6)
    left, top, width, height = cv2.boundingRect(image)
    middle = np.array([left + (width - 1) / 2, top + (height - 1) / 2])
    way = np.array([np.cos(angle), np.sin(angle)]) * (max(width, 8) / 2 + 1)
    _draw(changed, middle - way, middle + way, pixels)
    return changed


def _draw(image: Image, start: Any, end: Any, pixels: float) -> None:
    """Draw a bright line of some width into an image, with soft edges."""
    side = FINER * len(image)
    fine = np.zeros((side, side), np.uint8)
    first, last = (np.rint(FINER * (point + 0.5)).astype(int).tolist() for point in (start, end))
    cv2.line(fine, first, last, 255, max(1, round(FINER * pixels)))
    np.maximum(image, cv2.resize(fine, image.shape, interpolation=cv2.INTER_AREA), out=image)


def inverted(image: Image, share: float, random: Random) -> Image:
    """Dark ink on a bright ground, with a share of the contrast."""
    return contrast(255 - image, share, random)


def elastic(image: Image, pixels: float, random: Random) -> Image:
    """Each place moved by so many pixels, and its neighbours alike.

    Source: Simard et al., Best practices for convolutional neural networks applied to visual document analysis, 2003.
    """
    fields = [cv2.GaussianBlur(random.standard_normal(image.shape), (0, 0), SMOOTHNESS) for _ in range(2)]
    across, down = (pixels * field / field.std() for field in fields)
    rows, columns = np.indices(image.shape)
    sources = (columns + across).astype(np.float32), (rows + down).astype(np.float32)
    return np.asarray(cv2.remap(image, sources[0], sources[1], cv2.INTER_LINEAR))


def low_resolution(image: Image, side: float, random: Random) -> Image:
    """As few pixels a side, brought up again."""
    few = cv2.resize(image, (int(side), int(side)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(few, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR))
