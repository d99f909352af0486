import gzip
import struct
from collections.abc import Callable

import numpy as np
import pytest

from mnist_mlflow.data.idx import decompress, parse_idx
from mnist_mlflow.errors import DataError


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


IMAGES = np.arange(2 * 3 * 4).reshape(2, 3, 4)


def test_reads_the_array_with_its_shape() -> None:
    assert np.array_equal(parse_idx(idx(IMAGES), "file"), IMAGES)


def test_takes_files_gzipped_or_not() -> None:
    raw = idx(IMAGES)
    assert decompress(gzip.compress(raw), "file") == decompress(raw, "file") == raw


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not an IDX file"),
        (b"PK\3\4 something else", "not an IDX file"),
        (b"\0\0\x0d\1" + idx(IMAGES)[4:], "not an IDX file of unsigned bytes"),
        (idx(IMAGES)[:9], "truncated inside its header"),
        (idx(IMAGES)[:-1], "wrong size: its header promises 40 bytes, it has 39"),
        (idx(IMAGES) + b"x", "wrong size: its header promises 40 bytes, it has 41"),
    ],
)
def test_says_what_is_wrong(content: bytes, reason: str) -> None:
    with pytest.raises(DataError, match=f"train.gz .*{reason}"):
        parse_idx(content, "train.gz")


@pytest.mark.parametrize("damage", [lambda raw: raw[:-9], lambda raw: raw[:20] + b"\xff\xff" + raw[22:]])
def test_says_that_a_gzip_stream_is_damaged(damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(DataError, match=r"train.gz is truncated or corrupt"):
        decompress(damage(gzip.compress(bytes(range(256)) * 9)), "train.gz")
