"""Somebody's own images, added to a data set that has a name: they teach, and nobody is scored on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mnist_mlflow.data.own.collection import Skipped
from mnist_mlflow.data.source import Source
from mnist_mlflow.types import Part


def with_added(source: Source, learning: Part, train: Part, *others: Part) -> tuple[list[Part], list[Skipped]]:
    """The parts that were cut out of `learning`, images that are added to `train`; and those that are left out.

    An added image that the data set has already is left out: models may be scored on it. All parts are subsets of one
    whole, whose cached features they share.
    """
    assert source.added is not None
    is_new = _is_new(source.added, source.whole)
    added = source.added[np.flatnonzero(is_new)]
    whole = Part(np.concatenate([learning.images, added.images]), np.concatenate([learning.labels, added.labels]))
    rows = np.concatenate([_rows(train), np.arange(len(learning), len(whole))])
    parts = [whole[rows], *(whole[_rows(part)] for part in others)]
    return parts, _repeated(source.files, is_new)


def _is_new(added: Part, whole: Part) -> npt.NDArray[np.bool_]:
    there = {image.tobytes() for image in whole.images}
    return np.array([image.tobytes() not in there for image in added.images], bool)


def _repeated(files: Sequence[str], is_new: npt.NDArray[np.bool_]) -> list[Skipped]:
    reason = "the same picture is in the data set already"
    return [Skipped(files[row], reason) for row in np.flatnonzero(~is_new).tolist()]


def _rows(part: Part) -> npt.NDArray[np.intp]:
    assert part.rows is not None  # it was cut out of a whole
    return part.rows
