"""Growth of cost and error with the number of images learned from: growth.png."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter, StrMethodFormatter

from benchmarks.results import Results
from benchmarks.targets import ALGORITHMS
from mnist_mlflow.evaluation.drawing import COLOURS, Margins, as_png, styled, titled_figure
from mnist_mlflow.evaluation.exploration import MARKS
from mnist_mlflow.evaluation.labels import Label, label_axes, label_points

GROWTH = """## How cost grows

![Seconds of fitting, seconds of predicting 10,000 images, and validation error, by size](growth.png)

One measurement each. Up to 30,000 images the split is the protocol's, with its 5,000 tuning images beside them, whose
features are in the time too. To learn all 60,000, the last 5,000 of them in a seeded order tune as well: no images are
left for an honest error.
"""

DRAWN = {
    "fit_seconds": "fit, seconds",
    "predict_seconds": "prediction of 10,000 images, seconds",
    "error": "error on the validation images",
}


def growth(results: Results) -> list[str]:
    """The section; all its figures are in the picture."""
    return [GROWTH]


@styled()
def draw(records: list[dict[str, Any]], path: Path) -> None:
    """Seconds of fitting, seconds of predicting, and error on the validation images, one above the other, by size."""
    figure = titled_figure("How cost grows", "by the number of images learned from", 10.0, Margins(right=0.95))
    for axes, (key, label) in zip(
        figure.subplots(len(DRAWN), 1, gridspec_kw={"hspace": 0.4}), DRAWN.items(), strict=True
    ):
        ends = [_draw_algorithm(axes, number, records, key) for number in range(len(ALGORITHMS))]
        axes.set(xscale="log", yscale="log")
        label_axes(axes, "images learned from", label)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        format_ = PercentFormatter(1, 1) if key == "error" else StrMethodFormatter("{x:g}")
        axes.yaxis.set_major_formatter(format_)
        if key != "fit_seconds":  # the others may stay within one power of ten
            axes.yaxis.set_minor_formatter(format_)
        label_points(axes, [end for end in ends if end])
    path.write_bytes(as_png(figure))


def _draw_algorithm(axes: Axes, number: int, records: list[dict[str, Any]], key: str) -> Label | None:
    """Draw the line of an algorithm, if it has points; returns its name for the end of it."""
    name = ALGORITHMS[number]
    points = [(record["size"], record[key]) for record in records if record["algorithm"] == name and key in record]
    if not points:
        return None
    axes.plot(*zip(*points, strict=True), f"{MARKS[number]}-", label=name, color=COLOURS[number])
    return Label(*points[-1], name)
