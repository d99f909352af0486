"""Bytes of files, as cameras, scanners, painting programs and villains make them."""

import io
import struct
import sys
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mnist_mlflow.errors import ImageError
from mnist_mlflow.model.decoding import decode, decode_array

GREY = np.arange(0, 240, dtype=np.uint8).reshape(12, 20)
COLOUR = np.stack([GREY, GREY // 2, 255 - GREY], axis=2)
SHADED = np.dstack([COLOUR, GREY])
TURNED = 6  # in EXIF: the top of the picture is on the right of what the sensor saw


def encoded(pixels: Any, kind: str, **options: Any) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(buffer := io.BytesIO(), kind, **options)
    return buffer.getvalue()


LOSSLESS: dict[str, dict[str, Any]] = {"PNG": {}, "TIFF": {}, "BMP": {}, "WEBP": {"lossless": True, "exact": True}}
LACKING = [("WEBP", "grey"), ("BMP", "alpha")]  # what a format cannot say, or Pillow not write


@pytest.mark.parametrize(("name", "pixels"), [("grey", GREY), ("colour", COLOUR), ("alpha", SHADED)])
@pytest.mark.parametrize("kind", LOSSLESS)
def test_every_format_gives_its_pixels(kind: str, name: str, pixels: np.ndarray) -> None:
    if (kind, name) not in LACKING:
        picture = decode(encoded(pixels, kind, **LOSSLESS[kind]))
        assert picture.dtype == np.uint8
        assert np.array_equal(picture, pixels)


def test_a_jpeg_is_read_as_it_was_held() -> None:
    exif = Image.Exif()
    exif[0x0112] = TURNED
    picture = decode(encoded(GREY, "JPEG", exif=exif, quality=100))
    assert np.allclose(picture, np.rot90(GREY, -1), atol=3)


WHITE = Image.new("RGB", (3, 2), "white")
FRAMES = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
LAYERED = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
LAYERED.putpalette([255, 0, 0, 0, 255, 0])

ODD = {
    "CMYK": (encoded(WHITE.convert("CMYK"), "JPEG", quality=100), [255, 255, 255]),
    "CMYK in a TIFF": (encoded(WHITE.convert("CMYK"), "TIFF"), [255, 255, 255]),
    "16 bits": (encoded(np.full((2, 2), 65535, np.uint16), "PNG"), 255),
    "12 bits in 16": (encoded(np.full((2, 2), 4095, np.uint16), "TIFF"), 255),
    "32 bits": (encoded(np.full((2, 2), 2**30, np.int32), "TIFF"), 128),
    "floats": (encoded(np.ones((2, 2), np.float32), "TIFF"), 255),
    "floats that are none": (encoded(np.full((2, 2), np.nan, np.float32), "TIFF"), 0),
    "one bit": (encoded(WHITE.convert("1"), "PNG"), 255),
    "a palette": (encoded(LAYERED, "PNG"), [255, 0, 0]),
    "a transparent palette": (encoded(LAYERED, "PNG", transparency=0), [255, 0, 0, 0]),
    "grey with alpha": (encoded(Image.new("LA", (2, 2), (9, 7)), "PNG"), [9, 9, 9, 7]),
    "an animation": (encoded(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:], lossless=True), [255, 0, 0]),
    "pages": (encoded(FRAMES[0], "TIFF", save_all=True, append_images=FRAMES[1:]), [255, 0, 0]),
    "one pixel": (encoded(np.full((1, 1), 5, np.uint8), "PNG"), 5),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_pictures_are_pictures(name: str) -> None:
    content, first_pixel = ODD[name]
    picture = decode(content)
    assert picture.dtype == np.uint8
    assert picture[0, 0].tolist() == first_pixel


def bomb(side: int) -> bytes:
    """A PNG that claims to have so many pixels, and has none."""
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + encoded(GREY, "PNG")[33:]


PNG, JPEG = encoded(COLOUR, "PNG"), encoded(COLOUR, "JPEG")
REFUSED = {
    "nothing": (b"", "0 bytes are no picture"),
    "text": (b"a seven, I think", "no picture"),
    "a GIF": (encoded(GREY, "GIF"), "no picture"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture"),
    "a header alone": (PNG[:30], "cannot be read|no picture"),
    "a truncated PNG": (PNG[:-40], "cannot be read"),
    "a truncated JPEG": (JPEG[: len(JPEG) * 3 // 4], "cannot be read"),
    "a spoilt TIFF": (encoded(GREY, "TIFF")[:200], "cannot be read|no picture"),
    "8,000 x 8,000": (bomb(8_000), "8,000 x 8,000 pixels"),
    "12,000 x 12,000": (bomb(12_000), "12,000 x 12,000 pixels"),
    "30,000 x 30,000": (bomb(30_000), "too many pixels"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_is_refused_with_what_is_accepted(name: str) -> None:
    content, reason = REFUSED[name]
    with pytest.raises(ImageError, match=f"({reason}).*accepted are PNG, JPEG, WebP, TIFF, BMP") as caught:
        decode(content)
    assert "\n" not in str(caught.value)


def test_heic_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"HEIC is not installed.*pip install \"mnist-mlflow\[heic\]\""):
        decode(b"\0\0\0\x18ftypheic" + b"\0" * 40)


def test_heic_is_read_with_its_extra() -> None:
    heif = pytest.importorskip("pillow_heif")
    file = heif.from_pillow(Image.new("RGB", (64, 48), (250, 5, 5)))
    file.save(buffer := io.BytesIO())
    picture = decode(buffer.getvalue())
    assert picture.shape == (48, 64, 3)
    assert np.allclose(picture[24, 32], [250, 5, 5], atol=12)


ARRAY = np.arange(12, dtype=np.uint8).reshape(3, 4)


def saved(array: np.ndarray, version: tuple[int, int] = (1, 0)) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version)
    return file.getvalue()


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize("array", [ARRAY, np.asfortranarray(ARRAY), ARRAY[:0], ARRAY.astype(">f4")])
def test_an_array_comes_as_it_was_saved(array: np.ndarray, version: tuple[int, int]) -> None:
    decoded = decode_array(saved(array, version))
    assert decoded.dtype == array.dtype
    assert np.array_equal(decoded, array)


PROMISES = saved(ARRAY).replace(b"(3, 4), }" + b" " * 9, b"(3000000000, 4), }")  # gigabytes, of twelve bytes


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", PROMISES, saved(ARRAY)[:-1], saved(np.array([None, 7])), PNG])
def test_bytes_that_are_no_array_are_refused(content: bytes) -> None:
    assert len(PROMISES) == len(saved(ARRAY))
    assert saved(ARRAY) != PROMISES
    with pytest.raises(ImageError, match=r"bytes are no array of numbers by np\.save"):
        decode_array(content)
