"""Decoding: the bytes of a file, which may be anybody's, become a picture, or an array of many."""

from __future__ import annotations

import binascii
import contextlib
import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.errors import ImageError, one_line
from mnist_mlflow.model.budget import spend
from mnist_mlflow.types import Picture

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "WebP", "TIFF", "BMP")  # Pillow tries no other: fewer readers, fewer holes
MEGAPIXELS = 50  # of the largest picture; a telephone takes 12 to 50
HEIC = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypmif1", b"ftypmsf1")  # after the first four bytes
ACCEPTED = f"accepted are {', '.join(FORMATS)}, and HEIC with the extra heic, of at most {MEGAPIXELS} megapixels"


def as_bytes(file: bytes | bytearray | memoryview | str) -> bytes:
    """The bytes of a file, of text its base64, which may be the address of data that browsers make.

    Raises ValueError for other text.
    """
    if not isinstance(file, str):
        return bytes(file)
    text = file.partition("base64,")[2] if file.startswith("data:") else file
    return binascii.a2b_base64("".join(text.split()), strict_mode=True)


def decode(content: bytes, page: int = 0) -> Picture:
    """The picture in the bytes of a file, as a camera held it. Of several frames or pages, that of a number from 0.

    Grey comes as (h, w), colours as (h, w, 3) RGB, with alpha as (h, w, 4), all uint8. The size is looked at before
    the pixels are decoded. Raises ImageError for bytes that are truncated, too large or no picture.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings(action="ignore"):
            return _open(content, page)
    except UnidentifiedImageError as error:
        raise ImageError(f"The {len(content):,} bytes are no picture; {ACCEPTED}.") from error
    except Image.DecompressionBombError as error:  # Pillow's own limit comes first
        raise ImageError(f"The picture has too many pixels; {ACCEPTED}.") from error
    except ImageError:
        raise
    except Exception as error:  # bytes of unknown origin may raise anything
        raise ImageError(f"The picture cannot be read ({one_line(error)}); {ACCEPTED}.") from error


def decode_array(content: bytes) -> npt.NDArray[Any]:
    """The array in the bytes of a file of np.save; raises ImageError for all else.

    Its shape has to fit the number of bytes before there is an array. Objects are not unpickled, but refused.
    """
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_columns, dtype = read_header(stream)
        return np.frombuffer(content, dtype, offset=stream.tell()).reshape(shape, order="F" if by_columns else "C")
    except Exception as error:  # bytes of unknown origin may raise anything
        raise ImageError(
            f"The {len(content):,} bytes are no array of numbers by np.save ({one_line(error)})."
        ) from error


def _open(content: bytes, page: int) -> Picture:
    from PIL import ImageOps
    from PIL.Image import open as open_picture

    with open_picture(io.BytesIO(content), formats=_readers(content)) as file:
        file.seek(page)
        if file.width * file.height > MEGAPIXELS * 1_000_000:
            raise ImageError(f"The picture has {file.width:,} x {file.height:,} pixels; {ACCEPTED}.")
        spend(file.width * file.height)
        file.load()
        with contextlib.suppress(Exception):  # of EXIF data that are none: the pixels are as good as others
            ImageOps.exif_transpose(file, in_place=True)
        return _pixels(file)


def _readers(content: bytes) -> list[str]:
    """The names of Pillow's readers that may look at the bytes."""
    if not content[4:].startswith(HEIC):
        return [name.upper() for name in FORMATS]
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise ImageError(f'HEIC is not installed; {ACCEPTED}. Type: pip install "mnist-mlflow[heic]"') from error
    register_heif_opener()
    return ["HEIF"]


def _pixels(image: Image.Image) -> Picture:
    if image.mode.startswith(("I", "F")):
        return _eight_bits(np.asarray(image))
    if image.mode not in ("L", "RGB", "RGBA"):
        image = image.convert("RGBA" if image.has_transparency_data else "L" if image.mode == "1" else "RGB")
    return np.array(image, np.uint8)


def _eight_bits(values: np.ndarray) -> Picture:
    """The upper eight of the bits that integers use; floats are read as 0-1 where none is above 1."""
    if values.dtype.kind == "f":
        values = np.nan_to_num(values)
        values = (values * 255 if values.max() <= 1 else values).clip(0, 2**31).astype(np.uint32)
    values = values.clip(0)
    return (values >> max(0, int(values.max()).bit_length() - 8)).astype(np.uint8)
