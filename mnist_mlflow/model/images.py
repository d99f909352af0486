"""Pixels to pixels and pixels to features: pure functions of arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.errors import ImageError
from mnist_mlflow.types import SIDE, Features, Images

ACCEPTED = (
    f"accepted are arrays, lists or DataFrames of shape (n, {SIDE}, {SIDE}) or (n, {SIDE * SIDE}), "
    "integers 0-255 or floats 0-1 or 0-255"
)
MARGIN = 2  # pixels above, below and beside images that are put in a column
SPREAD = np.array([4.2, 5.6])  # usual standard deviations of the ink, across and down, in pixels
BOX = 20  # MNIST fits the ink into 20 x 20 pixels before it centres it


def as_images(data: Any) -> Images:
    """What somebody handed to a model, as uint8 images (n, 28, 28).

    Takes arrays, lists and DataFrames of shape (n, 28, 28) or (n, 784), integers 0-255 or floats; floats that
    all lie within 0-1 are read as 0-1, others as 0-255. Raises ImageError, saying what was wrong, for all else.
    """
    array = _as_array(data)
    if array.ndim == 0 or len(array) == 0:
        raise ImageError(f"There are no images in the batch; {ACCEPTED}, n at least 1.")
    if array.shape[1:] not in ((SIDE, SIDE), (SIDE * SIDE,)):
        hint = " (one image is a batch of one: images[None])" if array.shape in ((SIDE, SIDE), (SIDE**2,)) else ""
        raise ImageError(f"The images have the shape {array.shape}{hint}; {ACCEPTED}.")
    _check_values(array)
    if array.dtype.kind == "f" and array.max() <= 1:
        array = array * 255
    images: Images = np.rint(array).astype(np.uint8).reshape(-1, SIDE, SIDE)
    return images


def _as_array(data: Any) -> npt.NDArray[Any]:
    if isinstance(data, dict):
        raise ImageError(f"The images are a dict with the keys {list(data)[:5]}; {ACCEPTED}.")
    try:
        array = np.asarray(data)
        array = array.astype(np.float64) if array.dtype == object else array
    except (TypeError, ValueError) as error:
        raise ImageError(f"The images are not one block of numbers ({error}); {ACCEPTED}.") from error
    if array.dtype.kind not in "uif":
        raise ImageError(f"The images hold {array.dtype} values; {ACCEPTED}.")
    return array


def _check_values(array: npt.NDArray[Any]) -> None:
    flat = array.reshape(len(array), -1)
    for wrong, what in ((np.isnan(flat), "NaN"), (flat < 0, "values below 0"), (flat > 255, "values above 255")):
        if wrong.any():
            image = int(wrong.any(axis=1).argmax())
            value = flat[image][wrong[image]][0]
            raise ImageError(f"The images hold {what} (first in image {image}: {value}); {ACCEPTED}.")


def centre_by_mass(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The ink of one image (h, w), scaled into a 20-pixel box and centred by mass in 28 x 28 pixels.

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


def deskew(images: Images) -> Images:
    """Images (n, 28, 28), each sheared upright, moved to the middle by its mass, and scaled towards a common size.

    The shear makes the ink's horizontal and vertical positions uncorrelated; width and height go half the way, on
    a scale of ratios, to their usual values: a narrow digit stays narrower than others, since that tells a 1.
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


def distort(images: npt.NDArray[Any], strength: float, random: np.random.Generator) -> npt.NDArray[Any]:
    """Images (n, 28, 28) of any dtype, each turned, stretched, sheared and shifted at random, as hands differ.

    Strength 1: up to 8 degrees, a tenth in either direction, a shear of 0.1 and 1.5 pixels, each drawn evenly.
    Source: Simard et al., Best practices for convolutional neural networks applied to visual document analysis, 2003.
    """
    import cv2

    draws = random.uniform(-strength, strength, (6, len(images)))
    angle, shear, (across, down) = np.deg2rad(8) * draws[0], 0.1 * draws[1], 1 + 0.1 * draws[2:4]
    cosine, sine = np.cos(angle), np.sin(angle)
    linear = np.empty((len(images), 2, 2))
    linear[:, 0, 0], linear[:, 0, 1] = across * cosine, across * (shear * cosine - sine)
    linear[:, 1, 0], linear[:, 1, 1] = down * sine, down * (shear * sine + cosine)
    middle = np.full(2, (SIDE - 1) / 2)
    shift = middle - linear @ middle + 1.5 * draws[4:].T
    matrices = np.concatenate([linear, shift[..., None]], axis=2)
    warped = [cv2.warpAffine(image, matrix, (SIDE, SIDE)) for image, matrix in zip(images, matrices, strict=True)]
    return np.stack(warped)


def pixels(images: Images) -> Features:
    """Images (n, 28, 28) as rows (n, 784) of float32 within 0-1."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def deskewed_pixels(images: Images) -> Features:
    """Deskewed images as rows (n, 784) of float32 within 0-1."""
    return pixels(deskew(images))


def hog(images: Images) -> Features:
    """Histograms of oriented gradients of the deskewed images, float32 (n, 432).

    Cells of 7 pixels, blocks of 2 x 2 cells that overlap by one, 12 directions: a stroke's two edges count apart.
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


FEATURES: dict[str, Callable[[Images], Features]] = {
    "pixels": pixels,
    "deskewed": deskewed_pixels,
    "hog": hog,
}
