"""The IDX format of the MNIST files."""

import gzip
import io
import math
import struct
import zlib

import numpy as np
import numpy.typing as npt

from mnist_mlflow.errors import DataError

UNSIGNED_BYTE = 0x08
GZIP_MAGIC = b"\x1f\x8b"
LARGEST = 50_000_000  # bytes of a file; the largest of MNIST has 47 million


def decompress(raw: bytes, name: str, largest: int = LARGEST) -> bytes:
    """The content of a file, gzipped or not.

    Raises DataError when the gzip stream is cut short, damaged, or longer than the largest of its kind.
    """
    content = raw
    if raw.startswith(GZIP_MAGIC):
        try:
            content = gzip.GzipFile(fileobj=io.BytesIO(raw)).read(largest + 1)
        except (EOFError, OSError, zlib.error) as error:
            raise DataError(f"{name} is truncated or corrupt: {error}.") from error
    if len(content) > largest:
        raise DataError(f"{name} holds more than {largest:,} bytes.")
    return content


def parse_idx(content: bytes, name: str) -> npt.NDArray[np.uint8]:
    """The array of unsigned bytes that an IDX file holds, in the shape that its header gives.

    Raises DataError for another magic number, and for a length that differs from the header's.
    Source: the format's description at http://yann.lecun.com/exdb/mnist/.
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != UNSIGNED_BYTE:
        raise DataError(f"{name} is not an IDX file of unsigned bytes: it begins with {content[:4].hex()!r}.")
    dimensions = content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataError(f"{name} is truncated inside its header ({len(content)} bytes).")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    expected = start + math.prod(shape)
    if len(content) != expected:
        raise DataError(f"{name} has the wrong size: its header promises {expected} bytes, it has {len(content)}.")
    try:
        return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
    except ValueError as error:  # too many dimensions, or too large ones beside one of size 0
        raise DataError(f"{name} has an impossible shape: {error}.") from error
