"""The split: a data set, cut into the four parts of the protocol."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_mlflow.data.source import AUTO, Source, digest_of, open_source
from mnist_mlflow.errors import UsageError
from mnist_mlflow.types import CLASSES, Part, Progress, silent

SMALLEST_TRAIN_SIZE = 10 * CLASSES

# The share of each part, in MNIST's own thousands.
TRAIN, TUNING, VALIDATION, TEST = 45, 5, 10, 10


@dataclass(frozen=True)
class Dataset:
    """Four parts, four jobs: `train` teaches, `tuning` stops and calibrates, `validation` ranks, `test` reports.

    `address`, `name`, `digest` and `fallback` are those of the source. `split_digest` is the SHA-256 of the validation
    and the test images and labels, in order: models with the same one were scored on the same images.
    """

    address: str
    name: str
    train: Part
    tuning: Part
    validation: Part
    test: Part
    digest: str
    split_digest: str
    fallback: str = ""


def load_dataset(data: str = AUTO, split_seed: int = 0, train_size: int = 0, progress: Progress = silent) -> Dataset:
    """The data set at an address, split by `split_seed`, with `train_size` training images (0: all).

    Raises DataError for files that are damaged or missing, UsageError for a `train_size` that cannot be.
    """
    return split(open_source(data, progress), split_seed, train_size)


def split(source: Source, seed: int, size: int = 0) -> Dataset:
    """The four parts of a source, with `size` training images (0: all); raises UsageError for a size that cannot be.

    The parts have MNIST's proportions and are stratified. A source with test images of its own keeps them.
    """
    learning, test = source.learning, source.test
    if test is None:
        learning, test = stratified_split(learning, TEST / (TRAIN + TUNING + VALIDATION + TEST), seed)
    learning = Part(learning.images, learning.labels)  # a whole of its own: cached features hold no test image
    rest, validation = stratified_split(learning, VALIDATION / (TRAIN + TUNING + VALIDATION), seed)
    train, tuning = stratified_split(rest, TUNING / (TRAIN + TUNING), seed)
    if size:
        train = _subset(train, size, seed)
    digests = source.digest, digest_of(validation, test)
    return Dataset(source.address, source.name, train, tuning, validation, test, *digests, source.fallback)


def _subset(train: Part, size: int, seed: int) -> Part:
    if not SMALLEST_TRAIN_SIZE <= size <= len(train):
        raise UsageError(
            f"train_size={size} is not possible; accepted: 0 (all) or {SMALLEST_TRAIN_SIZE} to {len(train)}, "
            f"for example train_size={min(1_000, len(train))}."
        )
    return train if size == len(train) else stratified_subset(train, size, seed)


def stratified_split(part: Part, size: float, seed: int) -> tuple[Part, Part]:
    """A part without `size` of its images, and those images; a share or a count, digits in proportion."""
    rest, second = _stratified_rows(part, size, seed)
    return part[rest], part[second]


def stratified_subset(part: Part, size: int, seed: int) -> Part:
    """As many of a part's images, digits in proportion: the second of a split, without copying the first."""
    return part[_stratified_rows(part, size, seed)[1]]


def _stratified_rows(part: Part, size: float, seed: int) -> list[npt.NDArray[np.intp]]:
    from sklearn.model_selection import train_test_split

    rows: list[npt.NDArray[np.intp]] = train_test_split(
        np.arange(len(part)), test_size=size, random_state=seed, stratify=part.labels
    )
    return rows
