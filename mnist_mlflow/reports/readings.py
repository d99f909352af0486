"""Readings of pages: a table with a row for each digit and each page without, and rows as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mnist_mlflow.data.pages.files import Page
from mnist_mlflow.data.pages.finding import FoundDigit
from mnist_mlflow.model.readings import Readings
from mnist_mlflow.types import PROBABILITY_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

PLACE = ["picture", "page", "row", "column", "x", "y", "w", "h"]
ANSWER = ["digit", "confidence", "second", "sure", "why", "inverted", *PROBABILITY_COLUMNS]
DOUBTFUL = "?"  # in place of a digit that is not sure
SPACE = 1.2  # heights of a digit: a wider gap separates two numbers


def page_table(page: Page, digits: Sequence[FoundDigit], readings: Readings) -> pd.DataFrame:
    """The readings of a page in reading order: where each digit is, and what it was read as."""
    import pandas as pd

    places = [(page.name, page.number, digit.row, digit.column, *digit.box) for digit in digits]
    table = pd.concat([pd.DataFrame(places, columns=PLACE), readings.to_frame()], axis=1)
    return _typed(table[PLACE + ANSWER])


def skipped_table(page: Page) -> pd.DataFrame:
    """The row of a page without readings, whose `why` is the reason."""
    import pandas as pd

    row = {"picture": page.name, "page": page.number, "sure": False, "why": page.reason}
    return _typed(pd.DataFrame([row], columns=PLACE + ANSWER))


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """The table with whole numbers that may be missing."""
    whole = dict.fromkeys([*PLACE[1:], "digit", "second"], "Int64")
    shares = dict.fromkeys(["confidence", *PROBABILITY_COLUMNS], "float64")
    return table.astype({**whole, **shares, "inverted": "boolean", "sure": bool})


def row_texts(table: pd.DataFrame) -> list[str]:
    """The digits of each row of a page as text. A doubtful one is a question mark, a wide gap a space."""
    return [_row_text(row) for _, row in table.dropna(subset="row").groupby("row", sort=True)]


def _row_text(row: pd.DataFrame) -> str:
    left, width = row["x"].to_numpy(float), row["w"].to_numpy(float)
    gaps = np.append(0, left[1:] - (left + width)[:-1])
    apart = SPACE * float(np.median(row["h"].to_numpy(float)))
    signs = [str(digit) if sure else DOUBTFUL for digit, sure in zip(row["digit"], row["sure"], strict=True)]
    return "".join(f" {sign}" if gap > apart else sign for gap, sign in zip(gaps, signs, strict=True))
