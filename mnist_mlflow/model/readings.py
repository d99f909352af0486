"""Readings, the answer of a model: digits, their probabilities, and whether it is sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import PROBABILITY_COLUMNS, Images, Probabilities

if TYPE_CHECKING:
    import pandas as pd

BLANK, AMBIGUOUS, NO_DIGIT = "blank", "ambiguous", "no digit"  # why a reading is not sure


@dataclass(frozen=True)
class Readings:
    """The answers for n pictures, and what the model saw of them.

    `images` (n, 28, 28) uint8 are the canonical digits, `inverted` (n,) says whose picture was turned round.
    `probabilities` (n, 10) are those of each digit. `why` (n,) is empty where the answer is sure. `promised` (n,) is
    the smallest `max_error` with which each answer is sure, infinite where none is.
    """

    images: Images
    inverted: npt.NDArray[np.bool_]
    probabilities: Probabilities
    why: npt.NDArray[Any]
    promised: npt.NDArray[np.float64]

    @property
    def sure(self) -> npt.NDArray[np.bool_]:
        """True (n,) where the answer is right, up to the error that was allowed."""
        return np.asarray(self.why == "", bool)

    def to_frame(self) -> pd.DataFrame:
        """A row for each picture.

        The columns are `digit`, its `confidence`, the probabilities `p0` to `p9`, `sure`, `why`, the `second` best
        digit, and `inverted`.
        """
        import pandas as pd

        ranks = np.argsort(-self.probabilities, axis=1, kind="stable")
        return pd.DataFrame(
            {
                "digit": ranks[:, 0],
                "confidence": self.probabilities.max(axis=1),
                **dict(zip(PROBABILITY_COLUMNS, self.probabilities.T, strict=True)),
                "sure": self.sure,
                "why": self.why,
                "second": ranks[:, 1],
                "inverted": self.inverted,
            }
        )
