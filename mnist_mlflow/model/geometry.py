"""MNIST's geometry: which images have it already, and how others get it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import SIDE, Images

BOX = 20  # MNIST fits the ink into 20 x 20 pixels before it centres it
BRIGHT = 32  # ink that counts in a box: less is what interpolation leaves around it
EXTENT = (18, 22)  # pixels of BRIGHT along the longer side; all but two of MNIST's images have 18 to 20
CENTRE = (13.3, 14.7)  # the centre of mass; MNIST moved by whole pixels
GROUND = 0.43  # of an image is exactly black, at least, even where the box is full
OPEN = 0.52  # of an image of strokes is exactly black, at least; MNIST's has 0.55
WHITE = 230  # the brightest ink of an image that needs no stretching, at least
FAINTEST = 10  # of 255 that ink and ground differ by, at least

_POWERS = np.arange(SIDE, dtype=np.float64) ** [[0], [1], [2]]  # of the numbers of rows, and of columns


def are_canonical(images: Images, ground: float = GROUND) -> npt.NDArray[np.bool_]:
    """True (n,) for images with so much black ground, and with bright ink that fills the box, centred by mass.

    Ink that reaches the border is as near to the middle as it gets. A blank image is canonical.
    """
    first, last = _ends(images > BRIGHT)
    extent = (last - first).max(axis=0) + 1
    centre = _centres(images)
    inner = (centre > CENTRE[0]) & (centre < CENTRE[1])
    stuck = (first == 0) | (last == SIDE - 1)
    fits = (extent >= EXTENT[0]) & (extent <= EXTENT[1]) & (inner | stuck).all(axis=0)
    brightest = images.max(axis=(1, 2))
    inked = np.count_nonzero(images, axis=(1, 2))
    return np.asarray((inked <= (1 - ground) * SIDE**2) & (brightest >= WHITE) & fits | (brightest == 0), bool)


def stretched(images: Images) -> Images:
    """The images with ground 0 and ink 255; those that had full contrast, or none, as they are."""
    low, high = images.min(axis=(1, 2)), images.max(axis=(1, 2))
    pale = (low > 0) | (high < WHITE)
    if not pale.any():
        return images
    rows, images = np.flatnonzero(pale & (high - low >= FAINTEST)), images.copy()
    scale = 255 / (high[rows] - low[rows]).astype(np.float32)
    images[rows] = np.rint((images[rows] - low[rows, None, None]) * scale[:, None, None])
    return images


def moved(images: Images) -> Images:
    """The images moved by whole pixels: their ink is centred by mass, as far as there is room."""
    first, last = _ends(images > 0)
    shifts = np.clip(np.rint((SIDE / 2) - _centres(images)).astype(int), -first, SIDE - 1 - last)
    return np.array([np.roll(image, shift, (0, 1)) for image, shift in zip(images, shifts.T, strict=True)], np.uint8)


def _ends(ink: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The first and the last row (2, n), and column, with ink."""
    profiles = np.array([ink.any(axis=2), ink.any(axis=1)])
    return profiles.argmax(axis=2), SIDE - 1 - profiles[..., ::-1].argmax(axis=2)


def _centres(images: Images) -> npt.NDArray[np.float64]:
    """The centres of mass (2, n), row and column."""
    sums = moments(images)
    return np.asarray(sums[[1, 0], [0, 1]] / np.maximum(sums[0, 0], 1))


def moments(images: Images) -> npt.NDArray[np.float64]:
    """The raw moments (3, 3, n) of the ink, exact. At [i, j] pixels count by row**i * column**j.

    Source: Hu, Visual pattern recognition by moment invariants, 1962.
    """
    # A product for each image. One for all would start threads of BLAS, which cost more here than they bring.
    return np.asarray(_POWERS @ images @ _POWERS.T).transpose(1, 2, 0)


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
