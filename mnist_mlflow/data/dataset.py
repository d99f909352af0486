"""The split: a data set, cut into the four parts of the protocol."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_mlflow.data.added import with_added
from mnist_mlflow.data.own.collection import Skipped
from mnist_mlflow.data.source import AUTO, Source, digest_of, open_source
from mnist_mlflow.errors import DataError, UsageError
from mnist_mlflow.types import CLASSES, Part, Progress, silent

SMALLEST_TRAIN_SIZE = 10 * CLASSES

# The share of each part, in MNIST's own thousands.
TRAIN, TUNING, VALIDATION, TEST = 45, 5, 10, 10


# Of each digit, so that the tuning slice has one.
FEWEST = -(-(TRAIN + TUNING + VALIDATION + TEST) // TUNING)


DIGESTS = ("dataset_digest", "split_digest", "added_digest")  # the names of their tags
NO_DIGIT = "no digit was found in it"


@dataclass(frozen=True)
class Dataset:
    """Four parts, four jobs: `train` teaches, `tuning` stops and calibrates, `validation` ranks, `test` reports.

    `address`, `name`, `digest`, `fallback` and `skipped` are those of the source. `split_digest` is the SHA-256 of the
    validation and the test images and labels, in order. Models with the same one were scored on the same images.
    `added_digest` is that of further images, all of them among those that teach; empty for none.
    """

    address: str
    name: str
    train: Part
    tuning: Part
    validation: Part
    test: Part
    digest: str
    split_digest: str
    added_digest: str = ""
    fallback: str = ""
    skipped: Sequence[Skipped] = ()

    @property
    def digests(self) -> dict[str, str]:
        """The digests by the names of their tags, without one that is empty."""
        named = zip(DIGESTS, (self.digest, self.split_digest, self.added_digest), strict=True)
        return {name: digest for name, digest in named if digest}


def load_dataset(data: str = AUTO, split_seed: int = 0, train_size: int = 0, progress: Progress = silent) -> Dataset:
    """The data set at an address, split by `split_seed`, with `train_size` training images (0: all).

    Raises DataError for files that are damaged or missing, UsageError for a `train_size` that cannot be.
    """
    return split(open_source(data, progress), split_seed, train_size)


def split(source: Source, seed: int, size: int = 0) -> Dataset:
    """The four parts of a source, with `size` training images (0: all); raises UsageError for a size that cannot be.

    The parts have MNIST's proportions and are stratified. A source with test images of its own keeps them. Images that
    are added teach, and neither tune nor score. Blank images neither teach nor rank; the digests know them. Raises
    DataError for a source with too few images of a digit.
    """
    digest, added_digest = source.digest, digest_of(source.added) if source.added else ""
    source = _without_blanks(source)
    _check_classes(source)
    learning, test = source.learning, source.test
    if test is None:
        learning, test = stratified_split(learning, TEST / (TRAIN + TUNING + VALIDATION + TEST), seed)
    learning = Part(learning.images, learning.labels)  # a whole of its own: cached features hold no test image
    rest, validation = stratified_split(learning, VALIDATION / (TRAIN + TUNING + VALIDATION), seed)
    train, tuning = stratified_split(rest, TUNING / (TRAIN + TUNING), seed)
    repeated: list[Skipped] = []
    if source.added:
        (train, tuning, validation), repeated = with_added(source, learning, train, tuning, validation)
    if size:
        train = _subset(train, size, seed)
    return Dataset(
        source.address,
        source.name,
        *(train, tuning, validation, test),
        digest=digest,
        split_digest=digest_of(validation, test),
        added_digest=added_digest,
        fallback=source.fallback,
        skipped=[*source.skipped, *repeated],
    )


def _without_blanks(source: Source) -> Source:
    """The source without those of somebody's own pictures that would teach that nothing is a digit."""
    own = source.added or source.learning
    has_ink = own.images.any(axis=(1, 2)) if source.files else np.ones(0, bool)
    if has_ink.all():
        return source
    rest, files = own[np.flatnonzero(has_ink)], np.array(source.files[: len(own)], object)
    named = dataclasses.replace(
        source,
        files=[*files[has_ink], *source.files[len(own) :]],
        skipped=[*source.skipped, *(Skipped(file, NO_DIGIT) for file in files[~has_ink])],
    )
    return dataclasses.replace(named, added=rest) if source.added else dataclasses.replace(named, learning=rest)


def _check_classes(source: Source) -> None:
    """Raise DataError for a source that has too few images of a digit to be split."""
    counts = np.bincount(source.learning.labels, minlength=CLASSES)
    if lacking := [f"{count} of {digit}" for digit, count in enumerate(counts) if count < FEWEST]:
        first = next(iter(source.skipped), None)
        left_out = (
            f" Left out: {len(source.skipped)}, the first {first.file}: {first.reason.rstrip('.')}." if first else ""
        )
        raise DataError(
            f"{source.address} cannot be split: it has {', '.join(lacking)}; accepted are {FEWEST} pictures of each "
            f"digit or more.{left_out} Add pictures, or learn from MNIST too: data=mnist+{source.address}"
        )


def _subset(train: Part, size: int, seed: int) -> Part:
    if not SMALLEST_TRAIN_SIZE <= size <= len(train):
        fewer = f" or {SMALLEST_TRAIN_SIZE} to {len(train)}" if len(train) >= SMALLEST_TRAIN_SIZE else ""
        example = min(1_000, len(train)) if fewer else 0
        raise UsageError(
            f"train_size={size} is not possible; accepted: 0 (all){fewer}, for example train_size={example}."
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
