"""Pictures of all kinds, from their bytes to the answer: nothing but a picture or an ImageError of one line."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from mnist_mlflow.errors import ImageError
from mnist_mlflow.model.decoding import decode
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.types import Picture
from tests.conftest import python
from tests.scorers import linear

ROTATION = 0x0112  # the EXIF tag
# What makes the picture that was held of the pixels that are stored, by the value of the tag.
UPRIGHT: dict[int, Callable[[Any], Any]] = {
    1: lambda pixels: pixels,
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: np.swapaxes(pixels, 0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.swapaxes(np.rot90(pixels, 2), 0, 1),
    8: np.rot90,
}
SCENE = np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8)
FORMATS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "TIFF": {},
    "WEBP": {"lossless": True},
    "JPEG": {"quality": 100, "subsampling": 0},
    "BMP": {},
}


def encoded(pixels: Any, kind: str, **options: Any) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(buffer := io.BytesIO(), kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("rotation", UPRIGHT)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_a_picture_is_as_it_was_held(kind: str, rotation: int) -> None:
    exif = Image.Exif()
    exif[ROTATION] = rotation
    picture = decode(encoded(SCENE, kind, exif=exif, **FORMATS[kind]))
    assert np.abs(picture.astype(int) - UPRIGHT[rotation](SCENE)).mean() < 3


def ifd(entry: bytes) -> bytes:
    """EXIF data of one entry."""
    return b"II*\0\x08\0\0\0\x01\0" + entry + b"\0\0\0\0"


RUBBISH = {
    "no EXIF at all": b"garbage, garbage",
    "a table beyond the end": b"II*\0\xff\xff\xff\x7f",
    "a table that breaks off": b"II*\0\x08\0\0\0\xff\xff\x12\x01",
    "a rotation in words": ifd(b"\x12\x01\x02\0\x04\0\0\0abc\0"),
    "a ninth rotation": ifd(b"\x12\x01\x03\0\x01\0\0\0\x09\0\0\0"),
}


@pytest.mark.parametrize("name", RUBBISH)
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_a_rotation_that_cannot_be_read_is_none(kind: str, name: str) -> None:
    content = encoded(SCENE, kind, exif=b"Exif\0\0" + RUBBISH[name], **FORMATS[kind])
    assert decode(content).shape == SCENE.shape


def answer(content: bytes) -> Picture | str:
    """The picture, or why there is none."""
    try:
        return decode(content)
    except ImageError as error:
        return str(error)


@pytest.mark.parametrize("kind", FORMATS)
def test_truncated_bytes_are_told_in_a_line(kind: str) -> None:
    content = encoded(SCENE[:12, :12], kind, **FORMATS[kind])
    answers = [answer(content[:length]) for length in range(0, len(content), 10)]
    refusals = [text for text in answers if isinstance(text, str)]
    assert not any("\n" in text for text in refusals)
    assert len(refusals) >= len(answers) * 0.8  # of the others no pixels were cut off


@pytest.mark.parametrize("kind", FORMATS)
def test_spoilt_bytes_are_told_in_a_line_or_are_a_picture(kind: str) -> None:
    random, content = np.random.default_rng(1), encoded(SCENE[:12, :12], kind, **FORMATS[kind])
    for _ in range(100):
        spoilt = bytearray(content)
        for place in random.integers(0, len(content), 3):
            spoilt[place] = random.integers(0, 256)
        result = answer(bytes(spoilt))
        assert "\n" not in result if isinstance(result, str) else result.dtype == np.uint8


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def black(side: int) -> bytes:
    """A PNG of so many pixels a side, one bit each: kilobytes as a file, and gigabytes as numbers."""
    rows = zlib.compress(bytes(side // 8 + 1) * side, 1)
    header = struct.pack(">IIBBBBB", side // 8 * 8, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def with_text(characters: int) -> bytes:
    """A PNG whose compressed text is so long."""
    about = PngImagePlugin.PngInfo()
    about.add_text("a", "x" * characters, zip=True)
    return encoded(SCENE, "PNG", pnginfo=about)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the most memory of a process")
def test_a_bomb_takes_no_memory(tmp_path: Path) -> None:
    """In a process of its own, from where on Linux counts."""
    bombs = {
        "pixels": black(30_000),
        "text": with_text(50_000_000),
        "profile": encoded(SCENE, "PNG", icc_profile=bytes(50_000_000)),
    }
    for name, content in bombs.items():
        assert len(content) < 1_000_000
        (tmp_path / name).write_bytes(content)
    code = f"""
import io, pathlib
from PIL import Image
from mnist_mlflow.errors import ImageError
from mnist_mlflow.model.decoding import decode

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

Image.new("L", (8, 8)).save(small := io.BytesIO(), "PNG")
decode(small.getvalue())
contents = [pathlib.Path(name).read_bytes() for name in {list(bombs)}]
before = peak()
for content in contents:
    try:
        print(decode(content).shape)
    except ImageError as error:
        print("refused", error)
print((peak() - before) // 1024)
"""
    *answers, megabytes = python(code, tmp_path).splitlines()
    assert [answer.split()[0] for answer in answers] == ["refused"] * len(bombs)
    assert int(megabytes) < 30


def test_long_comments_are_skipped() -> None:
    content = encoded(SCENE, "JPEG", **FORMATS["JPEG"])
    comments = (b"\xff\xfe\xff\xff" + b"c" * 65533) * 100
    assert np.array_equal(decode(content[:2] + comments + content[2:]), decode(content))


INK = np.full((100, 80), 255, np.uint8)
INK[20:30, 20:60] = INK[30:85, 48:58] = 0  # a seven
NOISE = np.random.default_rng(2).integers(0, 256, (300, 200), np.uint8)
BLANK: dict[str, Picture] = {
    "one pixel": np.zeros((1, 1), np.uint8),
    "one pixel in colour": np.full((1, 1, 3), 200, np.uint8),
    "one transparent pixel": np.zeros((1, 1, 4), np.uint8),
    "white paper": np.full((50, 70), 255, np.uint8),
    "a dark room": np.zeros((50, 70, 3), np.uint8),
    "grey": np.full((300, 20), 128, np.uint8),
    "transparent ink": np.dstack([np.stack([INK] * 3, axis=2), np.zeros_like(INK)]),
}
ANYTHING: dict[str, Picture] = {
    "2 x 3": NOISE[:2, :3],
    "1 x 5": NOISE[:1, :5],
    "wider than OpenCV counts": np.tile(NOISE[:1], (1, 200)),
    "taller than OpenCV counts": np.tile(NOISE[:, :1], (200, 1)),
    "noise": NOISE,
    "noise of 28 x 28": NOISE[:28, :28],
    "a chessboard": (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8),
    "half": np.repeat([[0] * 30 + [255] * 30], 60, axis=0).astype(np.uint8),
    "one speck": np.pad(np.full((1, 1), 255, np.uint8), 250),
    "a slope": np.linspace(0, 255, 40_000).reshape(200, 200).astype(np.uint8),
}
SAME: dict[str, Picture] = {
    "in colour": np.stack([INK] * 3, axis=2),
    "inverted": 255 - INK,
    "black in alpha": np.dstack([np.zeros((100, 80, 3), np.uint8), 255 - INK]),
    "white in alpha": np.dstack([np.full((100, 80, 3), 255, np.uint8), 255 - INK]),
    "half transparent": np.dstack([np.stack([INK] * 3, axis=2), np.full_like(INK, 128)]),
    "in columns": np.asfortranarray(INK),
    "read only": np.frombuffer(INK.tobytes(), np.uint8).reshape(INK.shape),
}


@pytest.fixture(scope="module")
def model() -> DigitModel:
    return DigitModel("hog", linear(np.zeros((10, 432), np.float32), np.arange(10, dtype=np.float32)), 1.0)


@pytest.mark.parametrize("name", BLANK)
def test_a_picture_without_ink_is_blank(model: DigitModel, name: str) -> None:
    assert not model.read([BLANK[name]]).images.any()


@pytest.mark.parametrize("name", ANYTHING)
def test_every_picture_has_an_answer(model: DigitModel, name: str) -> None:
    readings = model.read([ANYTHING[name]])
    assert readings.images.shape == (1, 28, 28)
    assert readings.images.dtype == np.uint8
    assert np.isfinite(readings.probabilities).all()


@pytest.mark.parametrize("name", SAME)
def test_the_same_ink_is_the_same_digit(model: DigitModel, name: str) -> None:
    expected, image = model.read([INK, SAME[name]]).images.astype(int)
    assert expected.any()
    assert np.abs(expected - image).mean() < 3
