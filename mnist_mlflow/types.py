"""What travels between the rooms."""

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

CLASSES = 10
SIDE = 28
BATCH = 1_000
PROBABILITY_COLUMNS = [f"p{digit}" for digit in range(CLASSES)]  # what every model calls its probabilities

Images = npt.NDArray[np.uint8]  # (n, 28, 28), ink bright on a dark ground
Labels = npt.NDArray[np.uint8]  # (n,), 0 to 9
Features = npt.NDArray[np.float32]  # (n, d)
Scores = npt.NDArray[np.floating]  # (n, 10), logits or logarithms of probabilities
Probabilities = npt.NDArray[np.float64]  # (n, 10), rows sum to 1


class Progress(Protocol):
    """What is told how work comes on."""

    def __call__(self, what: str, done: int, total: int, note: str = "") -> None:
        """What is under way, how much is done, of how much (0: unknown), and what else there is to say."""


def batches(rows: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """The rows, a thousand at a time, which bounds the memory that they take on the way."""
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def silent(what: str, done: int, total: int, note: str = "") -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class Examples:
    """Features (n, d) float32 with their labels (n,) uint8: what most algorithms learn from."""

    features: Features
    labels: Labels


@dataclass(frozen=True)
class Part:
    """Images (n, 28, 28) with their labels (n,), both uint8; a part that was cut out knows from where."""

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

    def __getitem__(self, chosen: npt.NDArray[np.intp]) -> "Part":
        whole, rows = (self.whole, self.rows[chosen]) if self.rows is not None else (self, chosen)
        return Part(self.images[chosen], self.labels[chosen], whole, rows)
