"""Accuracy, latency and size of models against each other; nothing here touches the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_mlflow.evaluation.drawing import BLUE, NOTICE, Margins, add_note, styled, titled_axes
from mnist_mlflow.evaluation.labels import Label, label_axes, label_points

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMALLEST, LARGEST = 30.0, 600.0  # areas of the marks, in square points
RING = 5  # points between the mark of the chosen one and its ring


@dataclass(frozen=True)
class Point:
    """A model: its validation accuracy, ms/image, and megabytes."""

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


@styled()
def draw_pareto(points: Sequence[Point], about: str) -> Figure:
    """Latency and accuracy as axes, size as the area of the marks; the front is filled, the chosen one ringed."""
    front = set(pareto_front([point.costs for point in points]))
    figure, axes = titled_axes("Finalists: accuracy, latency and size", about, 4.4, Margins(bottom=0.75))
    largest = max(point.megabytes for point in points) or 1.0
    labels = []
    for index, point in enumerate(points):
        place = point.ms_per_image, 100 * point.accuracy
        area = SMALLEST + LARGEST * point.megabytes / largest
        axes.scatter(*place, area, facecolors=BLUE if index in front else "white", edgecolors=BLUE, alpha=0.75)
        if point.is_winner:
            axes.scatter(*place, (area**0.5 + RING) ** 2, facecolors="none", edgecolors=NOTICE, linewidths=2)
        labels.append(
            Label(
                *place, f"{point.name}, {point.megabytes:.3g} MB{', chosen' * point.is_winner}", size=area**0.5 + RING
            )
        )
    heights = [100 * point.accuracy for point in points]
    around = 0.15 * (max(heights) - min(heights)) or 0.1
    axes.set_ylim(min(heights) - around, max(heights) + around)
    axes.set_xlim(0, 1.15 * max(point.ms_per_image for point in points) or 1.0)
    label_axes(axes, "ms/image, measured side by side", "accuracy on the validation images, %")
    label_points(axes, labels)
    add_note(figure, "Area: size of the model. Filled: no other is as good in all three.")
    return figure
