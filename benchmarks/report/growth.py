"""Growth of cost and error with the number of images learned from: growth.png."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter, StrMethodFormatter

from benchmarks.results import Results
from benchmarks.targets import ALGORITHMS

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


def draw(records: list[dict[str, Any]], path: Path) -> None:
    """Seconds of fitting, seconds of predicting, and error on the validation images, side by side, by size."""
    figure = Figure(figsize=(13, 4.5), layout="constrained")
    for axes, (key, label) in zip(figure.subplots(1, len(DRAWN)), DRAWN.items(), strict=True):
        for algorithm in ALGORITHMS:
            points = [record for record in records if record["algorithm"] == algorithm and key in record]
            axes.loglog([point["size"] for point in points], [point[key] for point in points], "o-", label=algorithm)
        axes.set(xlabel="images learned from", ylabel=label)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        format_ = PercentFormatter(1) if key == "error" else StrMethodFormatter("{x:g}")
        axes.yaxis.set_major_formatter(format_)
        if key != "fit_seconds":  # the others may stay within one power of ten
            axes.yaxis.set_minor_formatter(format_)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center")
    figure.savefig(path)
