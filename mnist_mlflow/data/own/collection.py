"""Collections: labelled canonical digits of somebody's own, without what cannot be learned from or scored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import Images, Labels, Part


class Skipped(NamedTuple):
    """A picture that is left out of a data set, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Collection:
    """The canonical digits (n, 28, 28) of n files with their labels (n,); `is_test` (n,) says whose are kept apart."""

    images: Images
    labels: Labels
    files: Sequence[str]
    is_test: npt.NDArray[np.bool_]
    skipped: Sequence[Skipped] = ()

    @property
    def learning(self) -> Part:
        """The part to split."""
        return Part(self.images[~self.is_test], self.labels[~self.is_test])

    @property
    def test(self) -> Part | None:
        """The part that is kept apart; None where all are to be split."""
        return Part(self.images[self.is_test], self.labels[self.is_test]) if self.is_test.any() else None

    @property
    def ordered_files(self) -> tuple[str, ...]:
        """The files of the images of `learning`, then of those of `test`."""
        return tuple(self.files[row] for row in np.argsort(self.is_test, kind="stable"))


def without_duplicates(collection: Collection) -> Collection:
    """The collection with each picture once, and none of those that have two labels.

    A picture that is both in the test part and in the other stays in the test part. Blank ones may repeat. Of what is
    skipped, pictures with two labels come first, since somebody has to mend them. The needless ones come last.
    """
    same: dict[bytes, list[int]] = defaultdict(list)
    for row in np.argsort(~collection.is_test, kind="stable"):  # those of the test part first
        same[collection.images[row].tobytes()].append(int(row))
    twice = [rows for image, rows in same.items() if len(rows) > 1 and any(image)]
    is_clear = [len({*collection.labels[rows]}) == 1 for rows in twice]
    needless = dict(pair for rows in compress(twice, is_clear) for pair in _needless(collection, rows))
    unclear = dict(pair for rows in compress(twice, np.logical_not(is_clear)) for pair in _unclear(collection, rows))
    out = unclear | needless
    rest = np.array([row for row in range(len(collection.files)) if row not in out], np.intp)
    return Collection(
        collection.images[rest],
        collection.labels[rest],
        [collection.files[row] for row in rest],
        collection.is_test[rest],
        [*(unclear[row] for row in sorted(unclear)), *collection.skipped, *(needless[row] for row in sorted(needless))],
    )


def _needless(collection: Collection, rows: Sequence[int]) -> Iterable[tuple[int, Skipped]]:
    """The rows of one picture but for the first, which stays."""
    first, *others = (collection.files[row] for row in rows)
    return zip(rows[1:], [Skipped(file, f"the same picture as {first}") for file in others], strict=True)


def _unclear(collection: Collection, rows: Sequence[int]) -> Iterable[tuple[int, Skipped]]:
    """All rows of one picture whose labels differ."""
    labels, files = collection.labels, collection.files
    first, *others = rows
    described = {row: f"{files[row]} with the label {labels[row]}" for row in rows}
    pairs = [(first, others[0]), *((row, first) for row in others)]
    return [
        (row, Skipped(files[row], f"its label is {labels[row]}, and it is the same picture as {described[other]}"))
        for row, other in pairs
    ]
