"""Types of the values that travel between the rooms."""

import functools
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

CLASSES = 10
SIDE = 28
BATCH = 1_000  # images at a time, to bound the memory
PROBABILITY_COLUMNS = [f"p{digit}" for digit in range(CLASSES)]  # of the table that every model returns

Images = npt.NDArray[np.uint8]  # (n, 28, 28), ink bright on a dark ground
Picture = npt.NDArray[np.uint8]  # (h, w) grey, (h, w, 3) RGB or (h, w, 4) with alpha, of any size and polarity
Labels = npt.NDArray[np.uint8]  # (n,), 0 to 9
Features = npt.NDArray[np.float32]  # (n, d)
Scores = npt.NDArray[np.floating]  # (n, 10), logits or logarithms of probabilities
Probabilities = npt.NDArray[np.float64]  # (n, 10), rows sum to 1


class Progress(Protocol):
    """Receives reports on work in progress."""

    def __call__(self, what: str, done: int, total: int, note: str = "") -> None:
        """Report that `what` has done so much of `total` (0: unknown), with a note."""


def batches(rows: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """The rows, a thousand at a time, which bounds the memory that they take on the way."""
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def silent(what: str, done: int, total: int, note: str = "") -> None:
    """Discard the report."""


@dataclass(frozen=True)
class Finding:
    """The result of a check of `doctor`: the state of a thing, and for a problem the remedy.

    `mend` mends the problem and returns what it has done. There is none where a person has to decide.
    """

    text: str
    remedy: str = ""
    mend: Callable[[], str] | None = None


@dataclass(frozen=True)
class Examples:
    """Features (n, d) float32 with their labels (n,) uint8: the input of an algorithm."""

    features: Features
    labels: Labels


@dataclass(frozen=True)
class Part:
    """Images (n, 28, 28) with their labels (n,), both uint8; a subset knows its whole and its rows there."""

    images: Images
    labels: Labels
    whole: "Part | None" = None
    rows: npt.NDArray[np.intp] | None = None  # of the whole

    def __len__(self) -> int:
        return len(self.labels)

    @functools.cached_property
    def images_digest(self) -> str:
        """The SHA-256 of the images alone."""
        return hashlib.sha256(np.ascontiguousarray(self.images).data).hexdigest()

    def __getitem__(self, rows: npt.NDArray[np.intp]) -> "Part":
        whole, rows_of_whole = (self.whole, self.rows[rows]) if self.rows is not None else (self, rows)
        return Part(self.images[rows], self.labels[rows], whole, rows_of_whole)
