"""Words beside what they name; without `Text.`, an extent has the line that leads to a point."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text

from mnist_mlflow.evaluation.drawing import Margins, as_png, titled_axes
from mnist_mlflow.evaluation.labels import Label, label_axes, label_points


def labelled(*labels: Label) -> Axes:
    """Axes up to 1 with labels, drawn."""
    figure, axes = titled_axes("a", "b", 4.0, Margins(right=1.0))
    axes.set(xlim=(0, 1), ylim=(0, 1))
    label_points(axes, labels)
    assert as_png(figure)
    return axes


@pytest.mark.parametrize("heights", [[0.5, 0.5, 0.5, 0.5], [0.5, 0.51, 0.49], [0.0, 1.0], np.linspace(0.4, 0.6, 9)])
def test_no_words_hide_others(heights: list[float]) -> None:
    axes = labelled(*(Label(1.0, height, f"line {number}") for number, height in enumerate(heights)))
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_words_are_in_the_order_of_what_they_name() -> None:
    heights = [0.1, 0.5, 0.51, 0.515, 0.52, 0.53, 0.9]
    axes = labelled(*(Label(1.0, height, f"{height}") for height in heights))
    written = sorted(axes.texts, key=lambda text: Text.get_window_extent(text).y0)
    assert [float(text.get_text()) for text in written] == heights


def test_words_are_at_the_left_where_there_is_no_room_at_the_right() -> None:
    axes = labelled(Label(0.1, 0.5, "with much room"), Label(1.0, 0.5, "with little room " * 2))
    near, far = (Text.get_window_extent(text) for text in axes.texts)
    point = axes.transData.transform((1.0, 0.5))[0]
    assert far.x1 < point
    assert near.x0 > axes.transData.transform((0.1, 0.5))[0]


def test_words_hide_no_mark() -> None:
    axes = labelled(Label(0.3, 0.5, "a name", size=10), Label(0.4, 0.5, "", size=30))
    words = Text.get_window_extent(axes.texts[0])
    (_, middle), radius = axes.transData.transform((0.4, 0.5)), 15 * axes.figure.dpi / 72
    assert words.y1 < middle - radius or words.y0 > middle + radius


def test_dollars_begin_no_formula() -> None:
    axes = labelled(Label(0.5, 0.5, r"$\frac{"))
    label_axes(axes, "$x", r"$\y")
    assert as_png(axes.figure)  # type: ignore[arg-type]
