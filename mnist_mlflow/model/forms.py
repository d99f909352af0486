"""The forms of input: whatever people hold becomes pictures, arrays of pixels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.errors import ImageError
from mnist_mlflow.model.decoding import as_bytes, decode, decode_array
from mnist_mlflow.model.ink import LARGEST, shrunk
from mnist_mlflow.types import SIDE, Images, Picture

ACCEPTED = (
    f"accepted are arrays, lists or DataFrames of shape (n, {SIDE}, {SIDE}) or (n, {SIDE * SIDE}), arrays or lists of "
    "pictures of any size with up to 4 channels, integers 0-255 or floats 0-1 or 0-255, "
    "a column image of encoded pictures, and npy, the content of a file of np.save"
)
ENCODED = (bytes, bytearray, memoryview, str)
IMAGE = "image"  # the column of encoded pictures
NPY = "npy"  # the only key of a dict that holds a file of np.save
LABELS = {"label", "labels", "class", "target", "y", "digit"}  # columns that are no pixels
CHANNELS = (1, 3, 4)
NUMBERED = re.compile(r"(?:pixel[ _]?)?(\d+)")  # 0 to 783 of Keras, pixel0 of Kaggle, pixel1 of OpenML
PLACED = re.compile(r"(\d+)x(\d+)")  # 1x1 to 28x28, row and column

Array = npt.NDArray[Any]


def as_pictures(data: Any) -> Images | list[Picture]:
    """Read the input of a model as uint8 images (n, 28, 28), or as pictures of any size.

    Takes arrays, lists, Series and DataFrames of shape (n, 28, 28) or (n, 784), whose columns may number the pixels.
    Takes pictures of other sizes too, with a channel axis or not, as an array or a list. A list, a Series or a column
    `image` holds encoded pictures, as bytes or base64. Large ones come in so few pixels as are worked on. `npy` in a
    dict is the content of a file of np.save, a whole batch, as bytes or base64. Values that all lie within 0-1 are
    read as 0-1, others as 0-255. Raises ImageError, saying what was wrong, for all else.
    """
    data = _without_names(data)
    if _are_encoded(data):
        return [_decoded(row, cell) for row, cell in enumerate(data)]
    blocks = [_laid_out(block) for block in _blocks(data)]
    if _largest_value(blocks) <= 1:
        blocks = [block * np.float32(255) for block in blocks]
    blocks = [(np.rint(block) if block.dtype.kind == "f" else block).astype(np.uint8, copy=False) for block in blocks]
    is_images = len(blocks) == 1 and blocks[0].shape[1:] == (SIDE, SIDE)
    return blocks[0] if is_images else [picture for block in blocks for picture in block]


def _without_names(data: Any) -> Any:
    """The cells of a table, or of what MLflow makes of one: a dict of columns, a list of rows."""
    if isinstance(data, dict) and list(data) == [IMAGE]:
        return _cells(data[IMAGE])
    if isinstance(data, dict) and list(data) == [NPY]:
        return _array_in(_cell(data[NPY]))
    if isinstance(data, dict):
        raise ImageError(f"The images are a dict with the keys {list(data)[:5]}; {ACCEPTED}.")
    if isinstance(data, list) and data and all(isinstance(row, dict) and list(row) == [IMAGE] for row in data):
        return [_cell(row[IMAGE]) for row in data]
    if hasattr(data, "to_frame"):  # a column of a DataFrame
        return list(data)
    return _cells_of_table(data) if hasattr(data, "columns") else data


def _cells(column: Any) -> list[Any]:
    return [_cell(cell) for cell in np.atleast_1d(np.asarray(column, dtype=object))]


def _cell(value: Any) -> Any:
    """The value itself, out of the array without dimensions that MLflow puts around it."""
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _array_in(file: Any) -> Array:
    if not isinstance(file, ENCODED):
        raise ImageError(f"npy is no content of a file, but of type {type(file).__name__}; {ACCEPTED}.")
    try:
        return decode_array(as_bytes(file))
    except ImageError as error:
        raise ImageError(f"npy: {error}; {ACCEPTED}.") from error
    except ValueError as error:
        raise ImageError(f"npy is text, but not the base64 of a file; {ACCEPTED}.") from error


def _cells_of_table(table: Any) -> Any:
    """The pixels (n, 784) of a DataFrame in their order, or its encoded pictures."""
    names = [str(name).strip().lower() for name in table.columns]
    for column, name in zip(table.columns, names, strict=True):
        if name in LABELS:
            raise ImageError(f"The column {column!r} holds no pixels; type images.drop(columns=[{column!r}]).")
    if names == [IMAGE]:
        return list(table.iloc[:, 0])
    return table.iloc[:, _order_of_pixels(names)].to_numpy()


def _order_of_pixels(names: Sequence[str]) -> Sequence[int]:
    """The places of the columns in the order of their numbers; as they stand where they have none."""
    places = [PLACED.fullmatch(name) for name in names]
    numbers = [NUMBERED.fullmatch(name) for name in names]
    if len(names) == SIDE * SIDE and all(places):
        keys = [SIDE * int(match[1]) + int(match[2]) - SIDE - 1 for match in places if match]
    elif len(names) == SIDE * SIDE and all(numbers):
        keys = [int(match[1]) for match in numbers if match]
    else:
        return range(len(names))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    if [keys[place] - keys[order[0]] for place in order] != list(range(len(keys))):
        raise ImageError(f"The {len(names)} columns do not number the pixels (the first is {names[0]!r}); {ACCEPTED}.")
    return order


def _are_encoded(data: Any) -> bool:
    is_row = isinstance(data, list | tuple) or (isinstance(data, np.ndarray) and data.ndim == 1)
    return is_row and any(isinstance(cell, ENCODED) for cell in data)


def _decoded(row: int, cell: Any) -> Picture:
    """The picture in bytes, or in their base64."""
    if not isinstance(cell, ENCODED):
        raise ImageError(f"Image {row} is no file as others are, but of type {type(cell).__name__}; {ACCEPTED}.")
    try:
        return shrunk(decode(as_bytes(cell)), LARGEST)  # many small files may hold more pixels than there is memory
    except ImageError as error:
        raise type(error)(f"Image {row}: {error}") from error
    except ValueError as error:
        raise ImageError(f"Image {row} is text, but not the base64 of a picture; {ACCEPTED}.") from error


def _blocks(data: Any) -> list[Array]:
    """The input as one array (n, ...) of numbers; pictures of different sizes as an array (1, ...) each."""
    try:
        array = np.asarray(data)
        array = array.astype(np.float64) if array.dtype == object else array
    except (TypeError, ValueError, OverflowError) as error:
        blocks = list(_each(data))
        if not blocks or any(block.dtype == object or block.ndim not in (3, 4) for block in blocks):
            raise ImageError(f"The images are not one block of numbers ({error}); {ACCEPTED}.") from error
    else:
        blocks = [array]
    for block in blocks:
        if block.ndim == 0:
            hint = "one picture is a batch of one: [picture]"
            raise ImageError(f"The input is no batch, but of type {type(data).__name__} ({hint}); {ACCEPTED}.")
        if len(block) == 0:
            raise ImageError(f"There are no images in the batch; {ACCEPTED}, n at least 1.")
        if block.dtype.kind not in "uifb":
            raise ImageError(f"The images hold {block.dtype} values; {ACCEPTED}.")
    return blocks


def _each(data: Any) -> Iterator[Array]:
    """Each picture of a list; nothing where one is none."""
    if isinstance(data, list | tuple | np.ndarray):
        for picture in data:
            try:
                yield np.asarray(picture)[None]
            except (TypeError, ValueError, OverflowError):
                yield np.empty(0, object)


def _laid_out(block: Array) -> Array:
    """The block as (n, height, width), or with colours as (n, height, width, 3 or 4)."""
    count, *sides = block.shape
    if block.size and sorted(sides) in ([SIDE * SIDE], [1, SIDE * SIDE]):
        return block.reshape(count, SIDE, SIDE)
    if len(sides) == 3 and sides[-1] not in CHANNELS and sides[0] in CHANNELS:
        block = np.moveaxis(block, 1, -1)
    is_picture = len(sides) == 2 and sides[-1] not in CHANNELS
    if block.size and (is_picture or (len(sides) == 3 and block.shape[-1] in CHANNELS)):
        return block[..., 0] if len(sides) == 3 and block.shape[-1] == 1 else block
    hint = " (one image is a batch of one: images[None])" if block.ndim < 4 else ""
    raise ImageError(f"The images have the shape {block.shape}{hint}; {ACCEPTED}.")


def _largest_value(blocks: Sequence[Array]) -> float:
    """The largest value of all; raises ImageError where one is NaN, below 0 or above 255."""
    images, largest = 0, 0.0
    for block in blocks:
        low, high = block.min(), block.max()
        if not (low >= 0 and high <= 255):  # NaN is neither
            raise _wrong_values(block.reshape(len(block), -1), images)
        images, largest = images + len(block), max(largest, high)
    return largest


def _wrong_values(flat: Array, before: int) -> ImageError:
    """The error that names the first wrong value of a block (n, pixels), with so many images before it."""
    checks = {"NaN": np.isnan(flat), "values below 0": flat < 0, "values above 255": flat > 255}
    what, wrong = next((what, wrong) for what, wrong in checks.items() if wrong.any())
    row = int(wrong.any(axis=1).argmax())
    where = f"first in image {before + row}: {flat[row][wrong[row]][0]}"
    return ImageError(f"The images hold {what} ({where}); {ACCEPTED}.")
