"""Abstention: a model says of which answers it is not sure, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mnist_mlflow.model.readings import AMBIGUOUS, BLANK, NO_DIGIT
from mnist_mlflow.types import Images, Probabilities

FILE = "abstention.npz"


@dataclass(frozen=True)
class Abstention:
    """The lowest confidence of a sure answer, for each error that may be allowed."""

    max_error: float  # that is allowed where nobody says otherwise

    def why(self, images: Images, probabilities: Probabilities, max_error: float | None = None) -> npt.NDArray[Any]:
        """The reasons (n,) why answers to canonical digits (n, 28, 28) are not sure; empty text for a sure one."""
        reasons = np.full(len(images), "", dtype=object)
        reasons[probabilities.max(axis=1) < 1 - (self.max_error if max_error is None else max_error)] = AMBIGUOUS
        reasons[self._far(images)] = NO_DIGIT
        reasons[~images.any(axis=(1, 2))] = BLANK
        return reasons

    def _far(self, images: Images) -> npt.NDArray[np.bool_]:
        return np.zeros(len(images), bool)

    def save(self, folder: Path) -> None:
        """Write `abstention.npz`."""
        np.savez(folder / FILE, max_error=self.max_error)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(folder / FILE) as arrays:
            return cls(float(arrays["max_error"]))
