"""Words in pictures: what axes are, and names beside the points that they name, instead of a legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mnist_mlflow.evaluation.drawing import FAINT, plain, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST_IN_LEGEND = 4  # lines; fewer have their names beside them
WIDE_RANGE = 30  # largest by smallest, from which an axis is logarithmic
LETTER, LINE = 0.58, 1.35  # width of a letter and height of a line, in sizes of the font
APART, FAR = 7, 20  # points between a mark and the words beside it, and from which a line leads to them


def label_axes(axes: Axes, x: str, y: str) -> None:
    """Say what the axes are, with their units; the words of the vertical one lie, above it."""
    axes.set_xlabel(plain(x))
    axes.set_ylabel(plain(y), rotation=0, ha="left", va="bottom")
    axes.yaxis.set_label_coords(0, 1.02)


def is_wide(values: Sequence[float]) -> bool:
    """True for values that a logarithmic axis shows better."""
    return min(values) > 0 and max(values) / min(values) > WIDE_RANGE


def label_plainly(axis: Any) -> None:
    """Put few numbers on a logarithmic axis, none of them a power: matplotlib's own overlap."""
    from matplotlib import ticker

    low, high = axis.get_view_interval()
    digits = (1,) if high / low > 1_000 else (1, 3) if high / low > 10 else (1, 2, 5)
    axis.set_major_locator(ticker.LogLocator(subs=digits))
    axis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(ticker.NullFormatter())


class Label(NamedTuple):
    """Words for a point of axes, whose mark has a size in points."""

    x: float
    y: float
    text: str
    size: float = 0.0


class Box(NamedTuple):
    """The place of a mark or of words, in points; `y` is that of its middle."""

    left: float
    y: float
    width: float
    height: float

    def hides(self, other: Box) -> bool:
        """True if both need some of the same place."""
        across = self.left < other.left + other.width and other.left < self.left + self.width
        return across and abs(self.y - other.y) < (self.height + other.height) / 2 - 0.01


@styled()
def label_points(axes: Axes, labels: Sequence[Label]) -> None:
    """Write words beside points, at the right where there is room, none over another or over a mark.

    Call it last, since it places words by the limits of the axes.
    """
    from matplotlib import rcParams

    axes.get_xlim(), axes.get_ylim()  # which lines and marks have not set before
    scale, font = 72 / axes.figure.dpi, rcParams["font.size"]
    places = scale * axes.transData.transform([(label.x, label.y) for label in labels])
    taken = [Box(x - one.size / 2, y, one.size, one.size) for (x, y), one in zip(places, labels, strict=True)]
    from_middle = places[:, 1] - np.median(places[:, 1])
    for row in np.argsort(abs(from_middle), kind="stable"):  # upper words move up, lower ones down: in their order
        (x, y), label = places[row], labels[row]
        box = Box(x + label.size / 2 + APART, y, LETTER * font * len(label.text), LINE * font)
        if is_left := box.left + box.width > scale * axes.figure.bbox.width:
            box = box._replace(left=2 * x - box.left - box.width)
        box = _free(box, taken, np.sign(from_middle[row]))
        taken.append(box)
        _write(axes, label, box.y - y, is_left)


def _free(box: Box, taken: Sequence[Box], direction: float) -> Box:
    """The nearest place that hides nothing: above (1), below (-1), or on either side (0)."""
    heights = [box.y, *(other.y + sign * (box.height + other.height) / 2 for other in taken for sign in (1, -1))]
    heights = [height for height in heights if direction * (height - box.y) >= 0]
    places = (box._replace(y=height) for height in sorted(heights, key=lambda height: abs(height - box.y)))
    return next(place for place in places if not any(place.hides(other) for other in taken))


def _write(axes: Axes, label: Label, shift: float, is_left: bool) -> None:
    """Write words beside a point, so many points above it, with a line to it where they are far."""
    beside, start = label.size / 2 + APART, (1.0 if is_left else 0.0, 0.5)  # of a line, on the box of the words
    line = {"arrowstyle": "-", "color": FAINT, "lw": 0.7, "shrinkA": 0, "shrinkB": label.size / 2, "relpos": start}
    axes.annotate(
        plain(label.text),
        (label.x, label.y),
        (-beside if is_left else beside, shift),
        textcoords="offset points",
        ha="right" if is_left else "left",
        va="center",
        annotation_clip=False,
        arrowprops=line if abs(shift) > FAR else None,
    )
