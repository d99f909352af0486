"""Accuracy, latency and size of models against each other; nothing here touches the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_mlflow.evaluation.plots import empty_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMALLEST, LARGEST = 120.0, 900.0  # areas of the marks, in points


@dataclass(frozen=True)
class Point:
    """A model: its validation accuracy, milliseconds an image, and megabytes."""

    name: str
    accuracy: float
    ms_per_image: float
    megabytes: float
    is_winner: bool = False

    @property
    def costs(self) -> tuple[float, float, float]:
        """The figures that are to be small."""
        return -self.accuracy, self.ms_per_image, self.megabytes


def pareto_front(costs: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """The rows of costs (n, k), all to be small, that no other row dominates: equals stay together."""
    rows = np.asarray(costs, float)
    dominated = [((rows <= row).all(axis=1) & (rows < row).any(axis=1)).any() for row in rows]
    return np.flatnonzero(~np.array(dominated, bool))


def draw_pareto(points: Sequence[Point], title: str) -> Figure:
    """Latency and accuracy as axes, size as the area of the marks; the front is dark, the chosen one ringed."""
    front = set(pareto_front([point.costs for point in points]))
    figure = empty_figure(9, 5)
    axes = figure.subplots()
    largest = max(point.megabytes for point in points) or 1.0
    for index, point in enumerate(points):
        place = point.ms_per_image, 100 * point.accuracy
        area = SMALLEST + LARGEST * point.megabytes / largest
        axes.scatter(*place, area, color="tab:blue", alpha=0.6 if index in front else 0.2)
        if point.is_winner:
            axes.scatter(*place, 1.6 * area + 90, facecolors="none", edgecolors="tab:red", linewidths=2)
        axes.annotate(str(index + 1), place, ha="center", va="center", size=9)
        name = point.name.replace("$", r"\$")  # which would begin a formula
        axes.plot([], [], " ", label=f"{index + 1}  {name}, {point.megabytes:.3g} MB")
    axes.set(title=title, xlabel="milliseconds an image, measured side by side", ylabel="validation accuracy, %")
    axes.margins(0.15)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", handlelength=0, frameon=False)
    return figure
