"""The table of an answer."""

import numpy as np
import pandas as pd

from mnist_mlflow.model.readings import AMBIGUOUS, Readings

SHARES = np.random.default_rng(0).dirichlet(np.ones(10), 3)
WHY = np.array(["", AMBIGUOUS, ""], dtype=object)
READINGS = Readings(np.zeros((3, 28, 28), np.uint8), np.array([True, False, False]), SHARES, WHY, np.zeros(3))


def test_the_table_is_what_pandas_makes_of_its_columns() -> None:
    expected = pd.DataFrame(
        {
            "digit": SHARES.argmax(axis=1),
            "confidence": SHARES.max(axis=1),
            **{f"p{digit}": SHARES[:, digit] for digit in range(10)},
            "sure": [True, False, True],
            "why": ["", AMBIGUOUS, ""],
            "second": SHARES.argsort(axis=1)[:, -2],
            "inverted": [True, False, False],
        }
    )
    pd.testing.assert_frame_equal(READINGS.to_frame(), expected)


def test_a_changed_table_changes_no_other() -> None:
    table = READINGS.to_frame()
    table.columns.name = "changed"
    table["p0"] = 7
    table.iloc[1, 3:15] = table.iloc[0, 3:15]
    assert READINGS.to_frame().columns.name is None
    assert np.array_equal(READINGS.probabilities, np.random.default_rng(0).dirichlet(np.ones(10), 3))
    assert READINGS.why.tolist() == ["", AMBIGUOUS, ""]


def test_parts_are_joined() -> None:
    both = Readings.joined([READINGS, READINGS])
    pd.testing.assert_frame_equal(both.to_frame(), pd.concat([READINGS.to_frame()] * 2, ignore_index=True))
    assert Readings.joined([READINGS]) is READINGS
