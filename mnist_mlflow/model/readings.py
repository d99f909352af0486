"""Readings, the answer of a model: a digit for each image, and the probability of each digit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_mlflow.types import PROBABILITY_COLUMNS, Probabilities

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Readings:
    """The probabilities (n, 10) of each digit for n images."""

    probabilities: Probabilities

    def to_frame(self) -> pd.DataFrame:
        """A row for each image: `digit`, its `confidence`, and the probabilities `p0` to `p9`."""
        import pandas as pd

        columns = dict(zip(PROBABILITY_COLUMNS, self.probabilities.T, strict=True))
        digits, confidence = self.probabilities.argmax(axis=1), self.probabilities.max(axis=1)
        return pd.DataFrame({"digit": digits, "confidence": confidence, **columns})
