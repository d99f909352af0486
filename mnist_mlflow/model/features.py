"""Features of images (n, 28, 28): pure functions of arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import SIDE, Features, Images

MARGIN = 2  # pixels above, below and beside images that are put in a column
SPREAD = np.array([4.2, 5.6])  # usual standard deviations of the ink, across and down, in pixels


def deskew(images: Images) -> Images:
    """Images (n, 28, 28), each sheared upright, moved to the middle by its mass, and scaled towards a common size.

    The shear makes the ink's horizontal and vertical positions uncorrelated. Width and height go half the way, on a
    scale of ratios, to their usual values. A narrow digit stays narrower than others, since that tells a 1.
    Source: Liu et al., Handwritten digit recognition: investigation of normalization and feature extraction
    techniques, 2004.
    """
    return np.stack([_deskew_one(image) for image in images])


def _deskew_one(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    import cv2

    moments = cv2.moments(image)
    if moments["mu02"] < 1e-2:  # no ink, or all of it in one row
        return image
    mass, skew = moments["m00"], moments["mu11"] / moments["mu02"]
    variances = (moments["mu20"] - skew * moments["mu11"]) / mass, moments["mu02"] / mass
    # From a pixel of the result to where in the image its ink is.
    across, down = np.sqrt(np.maximum(np.sqrt(np.maximum(variances, 0)) / SPREAD, 0.1))
    linear = np.array([[across, skew * down], [0, down]])
    origin = np.array([moments["m10"], moments["m01"]]) / mass - linear @ np.full(2, (SIDE - 1) / 2)
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(image, np.c_[linear, origin], (SIDE, SIDE), flags=flags), np.uint8)


def pixels(images: Images) -> Features:
    """Images (n, 28, 28) as rows (n, 784) of float32 within 0-1."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def hog(images: Images) -> Features:
    """Histograms of oriented gradients of the deskewed images, float32 (n, 432).

    Cells have 7 pixels, blocks 2 x 2 cells that overlap by one. With 12 directions a stroke's two edges count apart.
    The square root brings the many small values and the few large ones closer together.
    Source: Dalal and Triggs, Histograms of oriented gradients for human detection, 2005, as in OpenCV.
    """
    import cv2

    block, cell, directions, signed = (14, 14), (7, 7), 12, True
    descriptor = cv2.HOGDescriptor((SIDE, SIDE), block, cell, cell, directions, 1, -1, 0, 0.2, False, 64, signed)
    # One call for all of them: the images in a column, each mirrored at its border as OpenCV would do by itself.
    tiles = np.pad(deskew(images), ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)), mode="reflect")
    corners = [(MARGIN, MARGIN + tile * tiles.shape[1]) for tile in range(len(tiles))]
    histograms = descriptor.compute(tiles.reshape(-1, tiles.shape[2]), winStride=cell, locations=corners)
    return np.sqrt(np.asarray(histograms, np.float32)).reshape(len(images), -1)


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
