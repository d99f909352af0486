"""Accuracy, latency and size of models against each other; nothing here touches the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

SMALLEST, LARGEST = 120.0, 900.0  # areas of the marks, in points


@dataclass(frozen=True)
class Point:
    """A model: its validation accuracy, milliseconds an image, and megabytes."""

    name: str
    accuracy: float
    ms_per_image: float
    megabytes: float
    chosen: bool = False

    def dominates(self, other: Point) -> bool:
        """Whether this one is as good in all three, and better in one."""
        mine, theirs = self._costs(), other._costs()
        return mine != theirs and all(my <= their for my, their in zip(mine, theirs, strict=True))

    def _costs(self) -> tuple[float, float, float]:
        return -self.accuracy, self.ms_per_image, self.megabytes


def pareto_front(points: Sequence[Point]) -> list[Point]:
    """The points that no other one dominates."""
    return [point for point in points if not any(other.dominates(point) for other in points)]


def draw_pareto(points: Sequence[Point], title: str) -> Figure:
    """Latency and accuracy as axes, size as the area of the marks; the front is dark, the chosen one ringed."""
    front = pareto_front(points)
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    largest = max(point.megabytes for point in points) or 1.0
    for number, point in enumerate(points, 1):
        place = point.ms_per_image, 100 * point.accuracy
        area = SMALLEST + LARGEST * point.megabytes / largest
        axes.scatter(*place, area, color="tab:blue", alpha=0.6 if point in front else 0.2)
        if point.chosen:
            axes.scatter(*place, 1.6 * area + 90, facecolors="none", edgecolors="tab:red", linewidths=2)
        axes.annotate(str(number), place, ha="center", va="center", size=9)
        axes.plot([], [], " ", label=f"{number}  {point.name}, {point.megabytes:.3g} MB")
    axes.set(title=title, xlabel="milliseconds an image, measured side by side", ylabel="validation accuracy, %")
    axes.margins(0.15)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", handlelength=0, frameon=False)
    return figure
