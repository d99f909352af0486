"""A cache of features on disk, under the digest of the images."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from filelock import FileLock

from mnist_mlflow.data.folders import cache_folder
from mnist_mlflow.model.features import FEATURES
from mnist_mlflow.types import Features, Images, Part

_logger = logging.getLogger(__name__)

IMMEDIATE = ("pixels",)  # computed as fast as they are read
CHUNK = 1_000  # images at a time, to bound the memory
PROBES = 16


def features_of(part: Part, kind: str) -> Features:
    """The features (n, d) float32 of a part's images, of a kind in FEATURES, from the cache if possible.

    The cache holds those of the whole that the part is a subset of: all splits share one file. Without a writable
    cache a warning says so, and the features are computed for the part alone.
    """
    if kind in IMMEDIATE:
        return FEATURES[kind](part.images)
    try:
        features = _cached(part.whole or part, kind)
    except OSError as error:
        _logger.warning("Features cannot be kept (%s); they are computed each time.", error)
        return np.concatenate(list(_chunks(part.images, kind)))
    return features if part.rows is None else np.asarray(features[part.rows])


def _cached(whole: Part, kind: str) -> Features:
    path, images = cache_folder() / "features" / f"{kind}-{whole.images_digest}.npy", whole.images
    if (features := _read_valid(path, images, kind)) is not None:
        return features
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):  # of two runs that start together one computes, the other waits
        if (features := _read_valid(path, images, kind)) is not None:
            return features
        _write(path, images, kind)
        written: Features = np.load(path, mmap_mode="r")
        return written


def _read_valid(path: Path, images: Images, kind: str) -> Features | None:
    """The features in a complete file that agrees with this version of the code on 16 images; else None."""
    try:
        features: Features = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):  # absent, cut short, or something else
        return None
    probes = np.linspace(0, len(images) - 1, PROBES).astype(np.intp)
    valid = len(features) == len(images) and np.array_equal(features[probes], FEATURES[kind](images[probes]))
    return features if valid else None


def _chunks(images: Images, kind: str) -> Iterator[Features]:
    for start in range(0, len(images), CHUNK):
        yield FEATURES[kind](images[start : start + CHUNK])


def _write(path: Path, images: Images, kind: str) -> None:
    """Write chunk by chunk into a file beside `path`: a full disk raises OSError and leaves no incomplete cache."""
    unfinished = path.with_suffix(".unfinished")
    header = {"descr": "<f4", "fortran_order": False, "shape": (len(images), FEATURES[kind](images[:1]).shape[1])}
    try:
        with unfinished.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for chunk in _chunks(images, kind):
                file.write(np.ascontiguousarray(chunk, "<f4").data)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
