import numpy as np
import pandas as pd
import pytest

from mnist_mlflow.data.pages.files import Page
from mnist_mlflow.data.pages.finding import FoundDigit
from mnist_mlflow.model.readings import AMBIGUOUS, Readings
from mnist_mlflow.reports.readings import page_table, row_texts, skipped_table
from mnist_mlflow.types import PROBABILITY_COLUMNS

COLUMNS = [
    *(
        "picture",
        "page",
        "row",
        "column",
        "x",
        "y",
        "w",
        "h",
        "digit",
        "confidence",
        "second",
        "sure",
        "why",
        "inverted",
    ),
    *PROBABILITY_COLUMNS,
]


def readings_of(digits: str, why: dict[int, str]) -> Readings:
    """Readings of digits that are certain but for those, by their places, that have a reason."""
    probabilities = np.eye(10)[[int(digit) for digit in digits]] * 0.9 + 0.01
    reasons = np.array([why.get(place, "") for place in range(len(digits))], object)
    return Readings(np.zeros((len(digits), 28, 28), np.uint8), np.ones(len(digits), bool), probabilities, reasons)


def places(*lefts: int, row: int = 1) -> list[FoundDigit]:
    return [
        FoundDigit(row, column, (left, 10, 20, 30), np.zeros((28, 28), np.uint8))
        for column, left in enumerate(lefts, 1)
    ]


@pytest.fixture
def table() -> pd.DataFrame:
    digits = [*places(0, 30, 110, 140), *places(5, row=2)]
    return page_table(Page("a.png", 1, None), digits, readings_of("40712", {2: AMBIGUOUS}))


def test_a_row_of_the_table_says_where_a_digit_is_and_what_it_is(table: pd.DataFrame) -> None:
    assert list(table) == COLUMNS
    third = table.iloc[2]
    assert third[["picture", "page", "row", "column", "x", "y", "w", "h"]].tolist() == [
        "a.png",
        1,
        1,
        3,
        110,
        10,
        20,
        30,
    ]
    assert third[["digit", "second", "sure", "why", "inverted"]].tolist() == [7, 0, False, AMBIGUOUS, True]


def test_rows_are_texts_in_which_doubts_are_question_marks_and_wide_gaps_spaces(table: pd.DataFrame) -> None:
    assert row_texts(table) == ["40 ?1", "2"]


def test_a_page_without_digits_has_a_row_with_its_reason(table: pd.DataFrame) -> None:
    skipped = skipped_table(Page("b.png", 3, None, "The picture shows no digits."))
    both = pd.concat([table, skipped], ignore_index=True)
    assert list(both) == COLUMNS
    assert both.iloc[-1].dropna().to_dict() == {
        "picture": "b.png",
        "page": 3,
        "sure": False,
        "why": "The picture shows no digits.",
    }
    assert both["digit"].dtype == "Int64"
    assert row_texts(both) == ["40 ?1", "2"]
