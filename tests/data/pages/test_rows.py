import numpy as np
import pytest

from mnist_mlflow.data.pages.rows import in_rows


def grid(slant: float, jitter: float = 6.0) -> np.ndarray:
    """Boxes of 4 rows with 9 digits, of different sizes, each row as long as a line of a page."""
    random = np.random.default_rng(0)
    boxes = []
    for row in range(4):
        for column in range(9):
            w, h = random.integers(20, 40), random.integers(34, 48)
            x = 100 + 60 * column
            boxes.append((x, 100 + 90 * row + slant * x - h / 2 + random.normal(0, jitter), w, h))
    return np.array(boxes, np.int32)


@pytest.mark.parametrize("slant", [0, 0.05, 0.2, -0.2])
def test_rows_are_read_from_the_top_and_from_the_left(slant: float) -> None:
    boxes = grid(slant)
    shuffled = np.random.default_rng(1).permutation(len(boxes))
    rows = in_rows(boxes[shuffled])
    assert [shuffled[row].tolist() for row in rows] == np.arange(36).reshape(4, 9).tolist()


def test_one_digit_a_row_and_none() -> None:
    column = np.array([(10, 10, 20, 40), (12, 90, 20, 40), (9, 170, 20, 40)], np.int32)
    assert [row.tolist() for row in in_rows(column)] == [[0], [1], [2]]
    assert in_rows(column[:0]) == []
