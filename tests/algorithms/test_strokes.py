from collections.abc import Callable

import numpy as np
import pytest

from mnist_mlflow.algorithms import _strokes
from mnist_mlflow.algorithms._strokes import (
    EDGE,
    LINE,
    Ink,
    Shape,
    add_bar,
    add_foot,
    add_foreign_strokes,
    add_hook,
    add_remains_of_lines,
    add_upstroke,
    measure,
    shorten_stem,
)
from mnist_mlflow.types import SIDE

RANDOM = np.random.default_rng(0)


@pytest.fixture
def stem() -> Ink:
    """A 1 as a vertical stroke, three pixels wide."""
    image = np.zeros((SIDE, SIDE), np.float32)
    image[4:24, 13:16] = 1
    return image


def test_a_digit_is_measured(stem: Ink) -> None:
    shape = measure(stem)
    assert shape
    assert (shape.top, shape.bottom, shape.height) == (4, 23, 20)
    assert shape.width == pytest.approx(3, abs=0.5)
    assert measure(np.zeros_like(stem)) is None


@pytest.mark.parametrize(
    ("add", "rows", "columns"),
    [
        (add_upstroke, slice(2, 26), slice(0, 18)),  # to the left of the stem
        (add_foot, slice(18, 26), slice(3, 26)),  # at the bottom, on both sides
        (add_bar, slice(8, 22), slice(5, 24)),  # in the middle, on both sides
        (add_hook, slice(15, 28), slice(0, 18)),  # at the bottom, to the left
    ],
)
def test_a_stroke_is_added_where_people_add_it(
    add: Callable[..., None], rows: slice, columns: slice, stem: Ink
) -> None:
    for _ in range(20):
        changed = stem.copy()
        add(changed, measure(stem), RANDOM)
        assert (changed - stem).min() == 0
        assert (changed - stem).sum() > 3
        changed[rows, columns] = stem[rows, columns]
        assert np.array_equal(changed, stem)


def test_the_stem_of_a_four_begins_above_its_bar(stem: Ink) -> None:
    four = stem.copy()
    four[4:16, 7:9] = four[14:17, 7:20] = 1  # a stroke on the left, and the bar
    changed = four.copy()
    shorten_stem(changed, Shape(4, 23, 3.0), RANDOM)
    assert (four - changed).min() == 0
    assert not changed[:8, 13:].any()  # the upper part of the stem
    assert np.array_equal(changed[13:], four[13:])
    assert np.array_equal(changed[:, :11], four[:, :11])
    untouched = stem.copy()
    shorten_stem(untouched, Shape(4, 13, 3.0), RANDOM)  # which has little below its bar
    assert np.array_equal(untouched, stem)


def test_only_some_of_some_digits_are_written_otherwise(stem: Ink) -> None:
    labels = np.arange(4_000, dtype=np.uint8) % 10
    ink = np.repeat(stem[None], len(labels), axis=0)
    add_foreign_strokes(ink, labels, np.random.default_rng(0))
    changed = (ink != stem).any(axis=(1, 2))
    shares = [changed[labels == digit].mean() for digit in range(10)]
    expected = {1: _strokes.UPSTROKE, 4: _strokes.SHORT, 7: _strokes.BAR, 9: _strokes.HOOK}
    assert shares == pytest.approx([expected.get(digit, 0) for digit in range(10)], abs=0.1)


def test_an_image_without_ink_gets_no_stroke() -> None:
    blank = np.zeros((50, SIDE, SIDE), np.float32)
    add_foreign_strokes(blank, np.ones(50, np.uint8), RANDOM)
    assert not blank.any()


def test_lines_remain_near_the_border_of_some_images() -> None:
    ink = np.zeros((2_000, SIDE, SIDE), np.float32)
    add_remains_of_lines(ink, np.random.default_rng(0))
    assert ink.any(axis=(1, 2)).mean() == pytest.approx(LINE, abs=0.02)
    assert not ink[:, EDGE:-EDGE, EDGE:-EDGE].any()
