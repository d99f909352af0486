"""Readings, the answer of a model: digits, their probabilities, and whether it is sure."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import PROBABILITY_COLUMNS, Images, Probabilities

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("digit", "confidence", *PROBABILITY_COLUMNS, "sure", "why", "second", "inverted")
BLOCKS = (("digit", "second"), ("confidence", *PROBABILITY_COLUMNS), ("sure", "inverted"), ("why",))  # of one dtype
PLACES = [np.array([COLUMNS.index(column) for column in block]) for block in BLOCKS]
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

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The readings of some pictures and then of others."""
        if len(parts) == 1:
            return parts[0]
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def to_frame(self) -> pd.DataFrame:
        """A row for each picture.

        The columns are `digit`, its `confidence`, the probabilities `p0` to `p9`, `sure`, `why`, the `second` best
        digit, and `inverted`.
        """
        import pandas as pd
        from pandas.api.internals import create_dataframe_from_blocks

        ranks = np.argsort(-self.probabilities, axis=1, kind="stable")
        shares = np.array([self.probabilities.max(axis=1), *self.probabilities.T])
        states = np.array([self.sure, self.inverted])
        columns, text = _columns()
        # A table of blocks is made in a third of the time that pandas takes for one of columns.
        blocks = [ranks[:, :2].T.copy(), shares, states, pd.array(self.why, dtype=text)]
        places, index = zip(blocks, PLACES, strict=True), pd.RangeIndex(len(ranks))
        table: pd.DataFrame = create_dataframe_from_blocks(list(places), index, columns.view())
        return table


@functools.cache
def _columns() -> tuple[pd.Index[str], pd.StringDtype]:
    """The names of the columns, and the dtype of text: pandas takes its time to make them."""
    import pandas as pd

    columns = pd.Index(COLUMNS, dtype="str")
    return columns, cast("pd.StringDtype", columns.dtype)
