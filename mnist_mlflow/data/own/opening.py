"""Opening somebody's own data set: what lies at a path, read and verified."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mnist_mlflow.data.folders import is_called_picture
from mnist_mlflow.data.own.arrays import Block, is_idx, is_idx_images, read_idx, read_npz
from mnist_mlflow.data.own.collection import Collection, Skipped, without_duplicates
from mnist_mlflow.data.own.listing import list_pictures
from mnist_mlflow.data.own.pictures import read_pictures
from mnist_mlflow.errors import DataError, ImageError, one_line
from mnist_mlflow.types import SIDE, Progress

KINDS = (
    "accepted are a folder with pictures in folders named 0 to 9, a folder with pictures and labels.csv, IDX files of "
    "images and labels, and an .npz file with x and y"
)


def open_own(path: Path, progress: Progress) -> Collection:
    """The labelled canonical digits at a path; raises DataError where there is nothing of the kind."""
    try:
        collection = without_duplicates(_read(path, progress))
    except OSError as error:
        raise DataError(f"{error.filename or path} cannot be read: {error.strerror or one_line(error)}.") from error
    if not len(collection.labels):
        first = next(iter(collection.skipped), Skipped("its folders", "they are empty."))
        raise DataError(f"{path} has no picture to learn from or to read. First of all, {first.file}: {first.reason}")
    # What is called a test part is the whole where there is nothing else.
    return replace(collection, is_test=collection.is_test & ~collection.is_test.all())


def _read(path: Path, progress: Progress) -> Collection:
    if path.is_dir():
        idx = _one_of_each(sorted(file for file in path.iterdir() if is_idx_images(file)))
        return _from_blocks([read_idx(file, progress) for file in idx]) if idx else _from_folder(path, progress)
    if not path.is_file():  # a device may be read for ever
        raise DataError(f"{path} is neither a file nor a folder; {KINDS}.")
    if zipfile.is_zipfile(path):
        return _from_blocks(read_npz(path, progress))
    if is_idx_images(path) and is_idx(path):
        return _from_blocks([read_idx(path, progress)])
    raise DataError(f"{path} is no data set; {KINDS}.")


def _one_of_each(files: Sequence[Path]) -> list[Path]:
    """The files of images without the gzipped ones that lie beside the same, unpacked."""
    return [file for file in files if file.suffix != ".gz" or file.with_suffix("") not in files]


def _from_blocks(blocks: Sequence[Block]) -> Collection:
    return Collection(
        np.concatenate([block.images for block in blocks]),
        np.concatenate([block.labels for block in blocks]),
        [f"{block.name}[{row}]" for block in blocks for row in range(len(block.labels))],
        np.repeat([block.is_test for block in blocks], [len(block.labels) for block in blocks]),
    )


def _from_folder(folder: Path, progress: Progress) -> Collection:
    listing = list_pictures(folder)
    read = read_pictures(folder, [picture.path for picture in listing.pictures], progress)
    good = [picture for picture in listing.pictures if not isinstance(read[picture.path], ImageError)]
    bad = [Skipped(one.file, str(read[one.path])) for one in listing.pictures if isinstance(read[one.path], ImageError)]
    urgent = [one for one in bad if is_called_picture(one.file)]
    skipped = [*urgent, *listing.skipped, *(one for one in bad if one not in urgent)]
    images = np.array([read[picture.path] for picture in good], np.uint8).reshape(-1, SIDE, SIDE)
    labels = np.array([picture.label for picture in good], np.uint8)
    is_test = np.array([picture.is_test for picture in good], bool)
    return Collection(images, labels, [picture.file for picture in good], is_test, skipped)
