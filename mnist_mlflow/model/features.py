"""Features of images (n, 28, 28): pure functions of arrays."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.model.geometry import moments
from mnist_mlflow.types import SIDE, Features, Images

MARGIN = 2  # pixels above, below and beside images that are put in a column
CELL = (7, 7)  # pixels of a cell of HOG
MIRRORED = np.pad(np.arange(SIDE), MARGIN, mode="reflect")  # the rows of an image with margins; the columns alike
SPREAD = np.array([[4.2], [5.6]])  # usual standard deviations of the ink, across and down, in pixels
LEAST = 1e-2  # of the second moment, down: below it there is no ink, or all of it in one row


def deskew(images: Images) -> Images:
    """Images (n, 28, 28), each sheared upright, moved to the middle by its mass, and scaled towards a common size.

    The shear makes the ink's horizontal and vertical positions uncorrelated. Width and height go half the way, on a
    scale of ratios, to their usual values. A narrow digit stays narrower than others, since that tells a 1.
    Source: Liu et al., Handwritten digit recognition: investigation of normalization and feature extraction
    techniques, 2004.
    """
    import cv2

    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    upright = np.empty(images.shape, np.uint8)
    for image, places, result in zip(images, _places_of_ink(images), upright, strict=True):
        cv2.warpAffine(image, places, (SIDE, SIDE), dst=result, flags=flags)
    return upright


def _places_of_ink(images: Images) -> npt.NDArray[np.float64]:
    """Affine maps (n, 2, 3) from a pixel of the deskewed image to where in the image its ink is."""
    sums = moments(images)
    mass = np.maximum(sums[0, 0], 1)
    lower, right = sums[1, 0] / mass, sums[0, 1] / mass
    both, down = sums[1, 1] - sums[0, 1] * lower, sums[2, 0] - sums[1, 0] * lower
    flat, down = down < LEAST, np.maximum(down, LEAST)
    skew = both / down
    variances = np.array([sums[0, 2] - sums[0, 1] * right - skew * both, down]) / mass
    x, y = np.sqrt(np.maximum(np.sqrt(np.maximum(variances, 0)) / SPREAD, 0.1))
    shear, middle = skew * y, (SIDE - 1) / 2
    maps = np.array([x, shear, right - (x * middle + shear * middle), np.zeros(len(x)), y, lower - y * middle])
    maps[:, flat] = np.eye(2, 3).reshape(-1, 1)
    return maps.T.reshape(-1, 2, 3)


def pixels(images: Images) -> Features:
    """Images (n, 28, 28) as rows (n, 784) of float32 within 0-1."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def hog(images: Images) -> Features:
    """Histograms of oriented gradients of the deskewed images, float32 (n, 432).

    Cells have 7 pixels, blocks 2 x 2 cells that overlap by one. With 12 directions a stroke's two edges count apart.
    The square root brings the many small values and the few large ones closer together.
    Source: Dalal and Triggs, Histograms of oriented gradients for human detection, 2005, as in OpenCV.
    """
    # One call for all of them: the images in a column, each mirrored at its border as OpenCV would do by itself.
    tiles = deskew(images).take(MIRRORED, axis=1).take(MIRRORED, axis=2)
    corners = [(MARGIN, MARGIN + tile * len(MIRRORED)) for tile in range(len(tiles))]
    histograms = _descriptor().compute(tiles.reshape(-1, len(MIRRORED)), winStride=CELL, locations=corners)
    return np.sqrt(np.asarray(histograms, np.float32)).reshape(len(images), -1)


@functools.cache
def _descriptor() -> Any:
    """The descriptor of OpenCV, which computes in several threads at once."""
    import cv2

    block, directions, signed = (14, 14), 12, True
    return cv2.HOGDescriptor((SIDE, SIDE), block, CELL, CELL, directions, 1, -1, 0, 0.2, False, 64, signed)


HOG = "hog"
FEATURES: dict[str, Callable[[Images], Features]] = {
    "pixels": pixels,
    "deskewed": lambda images: pixels(deskew(images)),
    HOG: hog,
}

IMAGES = "images"  # in place of features: the images as they are, which a vote hands on to its members


def extract(kind: str, images: Images) -> npt.NDArray[Any]:
    """Make the input (n, ...) of a scorer out of images (n, 28, 28): features of a kind, or IMAGES."""
    return images if kind == IMAGES else FEATURES[kind](images)
