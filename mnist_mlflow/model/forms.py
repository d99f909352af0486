"""The forms of input: whatever people hold becomes pictures, arrays of pixels."""

from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.errors import ImageError
from mnist_mlflow.types import SIDE, Images, Picture

ACCEPTED = (
    f"accepted are arrays, lists or DataFrames of shape (n, {SIDE}, {SIDE}) or (n, {SIDE * SIDE}), "
    "integers 0-255 or floats 0-1 or 0-255"
)


def as_pictures(data: Any) -> Images | list[Picture]:
    """Read the input of a model as uint8 images (n, 28, 28), or as pictures of any size.

    Takes arrays, lists and DataFrames of shape (n, 28, 28) or (n, 784), integers 0-255 or floats. Floats that all lie
    within 0-1 are read as 0-1, others as 0-255. Raises ImageError, saying what was wrong, for all else.
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
    except (TypeError, ValueError, OverflowError) as error:
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
