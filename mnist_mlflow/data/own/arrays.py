"""Files of arrays: IDX files in pairs, as MNIST has them, and NumPy's .npz."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.data.idx import GZIP_MAGIC, decompress, parse_idx
from mnist_mlflow.errors import DataError, ImageError, one_line
from mnist_mlflow.model.canonical import canonical_digits
from mnist_mlflow.model.forms import as_pictures
from mnist_mlflow.types import BATCH, CLASSES, SIDE, Images, Labels, Progress

LARGEST = 1_000_000_000  # bytes of arrays
IDX_IMAGES = re.compile(r"images[-.]idx\d(-ubyte)?(\.gz)?$")
TEST = re.compile(r"^(t10k|test)\b|[-_.](t10k|test)\b")  # in the name of a file
NPZ_NAMES = [(images, labels) for images in ("x", "images") for labels in ("y", "labels")]
NPZ_PARTS = {"": False, "_train": False, "_test": True}  # ends of names, and whether the images are kept apart
NPZ = "accepted are arrays x and y (or images and labels), or x_train, y_train, x_test and y_test"


@dataclass(frozen=True)
class Block:
    """The canonical digits (n, 28, 28) of an array with their labels (n,); `is_test` says if they are kept apart."""

    name: str
    images: Images
    labels: Labels
    is_test: bool


def is_idx_images(path: Path) -> bool:
    """True for a file that is called as MNIST's files of images are."""
    return bool(IDX_IMAGES.search(path.name))


def read_idx(images: Path, progress: Progress) -> Block:
    """The images in an IDX file, with the labels in the file beside it; raises DataError for other files."""
    labels = next(filter(Path.is_file, _label_files(images)), None)
    if labels is None:
        raise DataError(
            f"{images} has no labels beside it; accepted is {next(_label_files(images)).name}. Put it there."
        )
    read = [parse_idx(decompress(path.read_bytes(), str(path), LARGEST), str(path)) for path in (images, labels)]
    return _as_block(images.name, read[0], read[1], bool(TEST.search(images.name)), images, progress)


def _label_files(images: Path) -> Iterator[Path]:
    """The names that the labels may have: gzipped like the images, or not."""
    name = re.sub(r"images([-.])idx\d", r"labels\1idx1", images.name).removesuffix(".gz")
    yield from (images.with_name(f"{name}.gz"), images.with_name(name))


def is_idx(path: Path) -> bool:
    """True for a file that begins as IDX files do, gzipped or not."""
    with path.open("rb") as file:
        return file.read(2) in (b"\0\0", GZIP_MAGIC)


def read_npz(path: Path, progress: Progress) -> list[Block]:
    """The images and labels in an .npz file; raises DataError for what is not such, and for Python objects."""
    arrays = _load(path)
    blocks = [
        _as_block(f"{images}{end}", arrays[images + end], arrays[labels + end], is_test, path, progress)
        for end, is_test in NPZ_PARTS.items()
        for images, labels in NPZ_NAMES
        if {images + end, labels + end} <= arrays.keys()
    ]
    if not blocks:
        raise DataError(f"{path} has the arrays {', '.join(arrays) or 'of no name'}; {NPZ}.")
    return blocks


def _load(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays that may be images or labels, by their names in small letters."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
        if size <= LARGEST:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return {name.lower(): arrays[name] for name in arrays.files}
    except Exception as error:  # the file may be anybody's, and raise anything
        problem = "holds Python objects" if "allow_pickle" in str(error) else f"cannot be read: {one_line(error)}"
        raise DataError(f"{path} {problem}; {NPZ}, of numbers.") from error
    raise DataError(f"{path} unpacks to {size:,} bytes; accepted are {LARGEST:,} at most.")


def _as_block(
    name: str, images: npt.NDArray[Any], labels: npt.NDArray[Any], is_test: bool, origin: Path, progress: Progress
) -> Block:
    """A block of what was read; raises DataError for other shapes and labels than those of digits."""
    labels = labels.reshape(-1) if labels.shape[1:] == (1,) else labels
    if images.ndim < 2 or labels.shape != images.shape[:1]:
        hint = " Keep labels.argmax(axis=1)." if labels.shape[1:] == (CLASSES,) else ""
        raise DataError(
            f"{origin}: {name} has the shape {images.shape}, and its labels {labels.shape}; "
            f"accepted are n images and n labels.{hint}"
        )
    if labels.dtype.kind not in "uif" or not np.isin(labels, range(CLASSES)).all():
        wrong = next((label for label in labels.tolist() if label not in range(CLASSES)), labels.dtype)
        raise DataError(f"{origin}: the labels of {name} hold {wrong!r}; accepted are whole numbers from 0 to 9.")
    try:
        return Block(name, _canonical(images, f"read {name}", progress), labels.astype(np.uint8), is_test)
    except ImageError as error:
        raise DataError(f"{origin}: {name}: {error}") from error


def _canonical(images: npt.NDArray[Any], what: str, progress: Progress) -> Images:
    """The canonical digits of an array of images of any size, a thousand at a time to bound the memory."""
    is_usual = images.ndim == 2 or images.shape[1:].count(SIDE) == 2
    pictures = as_pictures(images if is_usual else list(images))
    canonical = np.empty((len(pictures), SIDE, SIDE), np.uint8)
    for start in range(0, len(pictures), BATCH):
        canonical[start : start + BATCH] = canonical_digits(pictures[start : start + BATCH]).images
        progress(what, min(start + BATCH, len(pictures)), len(pictures))
    return canonical
