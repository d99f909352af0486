"""A data set, cut into the four parts of the protocol, and the digests that tell it from any other."""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_mlflow.data.digits import load_digits
from mnist_mlflow.data.download import DownloadError
from mnist_mlflow.data.mnist import load_mnist
from mnist_mlflow.errors import UsageError
from mnist_mlflow.types import CLASSES, Part, Progress, silent

_logger = logging.getLogger(__name__)

SMALLEST_TRAIN_SIZE = 10 * CLASSES

# The share of each part, in MNIST's own thousands.
TRAIN, TUNING, VALIDATION, TEST = 45, 5, 10, 10


@dataclass(frozen=True)
class Dataset:
    """Four parts, four jobs: `train` teaches, `tuning` stops and calibrates, `validation` ranks, `test` reports.

    `digest` is the SHA-256 of the whole data set, `split_digest` that of the validation and the test images and
    labels, in order: models with the same one were scored on the same images. `fallback` says why MNIST is not
    what was loaded, where `auto` had to do without.
    """

    name: str
    train: Part
    tuning: Part
    validation: Part
    test: Part
    digest: str
    split_digest: str
    fallback: str = ""


def load_dataset(data: str = "auto", split_seed: int = 0, train_size: int = 0, progress: Progress = silent) -> Dataset:
    """The data set that `data` names, split by `split_seed`, with `train_size` training images (0: all).

    `auto` is MNIST wherever it can be had, else the bundled digits; `mnist` and `digits` are what they say.
    Raises DataError for files that are damaged or cannot be had, UsageError for a `train_size` that cannot be.
    """
    if data == "digits":
        return _split_digits(split_seed, train_size)
    try:
        learning, test = load_mnist(progress)
    except DownloadError as error:
        if data == "mnist":
            raise
        _logger.warning("MNIST cannot be had: %s\nThe 1,797 bundled `digits` take its place.", error)
        return _split_digits(split_seed, train_size, fallback=str(error))
    return _split("mnist", learning, test, _sha256((learning, test)), split_seed, train_size)


def _split_digits(split_seed: int, train_size: int, fallback: str = "") -> Dataset:
    digits = load_digits()
    learning, test = stratified_split(digits, TEST / (TRAIN + TUNING + VALIDATION + TEST), split_seed)
    return _split("digits", learning, test, _sha256((digits,)), split_seed, train_size, fallback)


def _split(
    name: str, learning: Part, test: Part, digest: str, split_seed: int, train_size: int, fallback: str = ""
) -> Dataset:
    learning = Part(learning.images, learning.labels)  # a whole of its own: what is kept of it holds no test image
    rest, validation = stratified_split(learning, VALIDATION / (TRAIN + TUNING + VALIDATION), split_seed)
    train, tuning = stratified_split(rest, TUNING / (TRAIN + TUNING), split_seed)
    if train_size:
        train = _subset(train, train_size, split_seed)
    return Dataset(name, train, tuning, validation, test, digest, _sha256((validation, test)), fallback)


def _subset(train: Part, size: int, seed: int) -> Part:
    if not SMALLEST_TRAIN_SIZE <= size <= len(train):
        raise UsageError(
            f"train_size={size} is not possible; accepted: 0 (all) or {SMALLEST_TRAIN_SIZE} to {len(train)}, "
            "for example train_size=1000."
        )
    return train if size == len(train) else stratified_subset(train, size, seed)


def stratified_split(part: Part, size: float, seed: int) -> tuple[Part, Part]:
    """A part without, and with nothing but, `size` of its images (a share or a count), digits in proportion."""
    rest, chosen = _stratified(part, size, seed)
    return part[rest], part[chosen]


def stratified_subset(part: Part, size: int, seed: int) -> Part:
    """So many of a part's images, digits in proportion: the second of a split, without copying the first."""
    return part[_stratified(part, size, seed)[1]]


def _stratified(part: Part, size: float, seed: int) -> list[npt.NDArray[np.intp]]:
    from sklearn.model_selection import train_test_split

    indices: list[npt.NDArray[np.intp]] = train_test_split(
        np.arange(len(part)), test_size=size, random_state=seed, stratify=part.labels
    )
    return indices


def _sha256(parts: Iterable[Part]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part.images).data)
        digest.update(np.ascontiguousarray(part.labels).data)
    return digest.hexdigest()
