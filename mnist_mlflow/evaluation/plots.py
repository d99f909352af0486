"""The pictures of a run; nothing here touches the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_mlflow.evaluation.calibration import expected_calibration_error, reliability
from mnist_mlflow.evaluation.metrics import class_scores, worst_mistakes
from mnist_mlflow.evaluation.selective import risk_coverage
from mnist_mlflow.model.readings import Readings
from mnist_mlflow.types import CLASSES, SIDE, Images, Labels, Part, Probabilities

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LearningCurves = Mapping[str, list[tuple[int, float]]]  # metric: its (step, value) pairs

COLUMNS, ROWS = 8, 4
CAPTION = 12  # pixels above each mistake for its caption


def pictures(part: Part, readings: Readings, curves: LearningCurves, title: str) -> dict[str, bytes]:
    """All the pictures of a run as PNG files, by name; learning curves only where there are any."""
    probabilities = readings.probabilities
    figures = {
        "confusion_matrix": confusion_matrix(part.labels, probabilities, title),
        "per_class": per_class(part.labels, probabilities, title),
        "reliability": reliability_diagram(part.labels, probabilities, title),
        "risk_coverage": risk_coverage_curve(part.labels, readings, title),
        "mistakes": mistakes(part.images, part.labels, probabilities, title),
    }
    if curves:
        figures["learning_curves"] = learning_curves(curves, title)
    return {name: as_png(figure) for name, figure in figures.items()}


def as_png(figure: Figure) -> bytes:
    """A picture as a PNG file."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def digit_png(image: Images) -> bytes:
    """One image (28, 28) as a PNG file of as many pixels, dark ink on white."""
    import cv2

    return bytes(cv2.imencode(".png", 255 - image)[1])


def empty_figure(width: float, height: float) -> Figure:
    """A picture without content, so many inches wide and high."""
    from matplotlib.figure import Figure  # a second, which commands that draw nothing do not wait for

    return Figure(figsize=(width, height), layout="constrained")


def _figure(title: str, size: tuple[float, float] = (6, 5)) -> tuple[Figure, Axes]:
    figure = empty_figure(*size)
    axes = figure.subplots()
    axes.set_title(title)
    return figure, axes


def confusion_matrix(labels: Labels, probabilities: Probabilities, title: str) -> Figure:
    """Counts of digits (rows) that were read as others (columns); colour shows mistakes alone."""
    from sklearn.metrics import confusion_matrix as count

    matrix = count(labels, probabilities.argmax(axis=1), labels=range(CLASSES))
    mistakes = matrix - np.diag(np.diag(matrix))
    figure, axes = _figure(title)
    figure.colorbar(axes.imshow(mistakes, cmap="Reds"), label="mistakes")
    for (row, column), value in np.ndenumerate(matrix):
        dark = mistakes[row, column] > mistakes.max() / 2
        axes.text(column, row, value, ha="center", va="center", color="white" if dark else "black", size=8)
    axes.set(xlabel="read as", ylabel="true digit", xticks=range(CLASSES), yticks=range(CLASSES))
    return figure


def per_class(labels: Labels, probabilities: Probabilities, title: str) -> Figure:
    """Precision, recall and F1 of each digit as bars."""
    scores = class_scores(labels, probabilities)[:3]
    figure, axes = _figure(title, (8, 4))
    for offset, name, values in zip((-0.27, 0, 0.27), ("precision", "recall", "F1"), scores, strict=True):
        axes.bar(np.arange(CLASSES) + offset, values, 0.25, label=name)
    lowest = float(np.min(scores))
    axes.set(xlabel="digit", xticks=range(CLASSES), ylim=(max(0.0, 1.5 * lowest - 0.52), 1))
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def reliability_diagram(labels: Labels, probabilities: Probabilities, title: str) -> Figure:
    """Accuracy against confidence, with the share of images at each confidence below."""
    confidence, accuracy, counts = reliability(labels, probabilities)
    figure = empty_figure(5.5, 5.5)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    error = expected_calibration_error(labels, probabilities)
    upper.plot((0, 1), (0, 1), "--", color="grey", label="perfect calibration")
    filled = counts > 0
    upper.plot(confidence[filled], accuracy[filled], "o-", label=f"calibration error {error:.2%}")
    upper.set(title=title, ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    upper.legend()
    lower.bar(confidence[filled], counts[filled] / len(labels), 0.05)
    lower.set(xlabel="confidence", ylabel="share of images", yscale="log")
    return figure


def risk_coverage_curve(labels: Labels, readings: Readings, title: str) -> Figure:
    """Errors among the answers that rank highest, against their share of all, with those that are promised."""
    promised = readings.promised
    order = np.argsort(promised, kind="stable")
    coverage, error = risk_coverage(readings.probabilities.argmax(axis=1)[order] == labels[order])
    figure, axes = _figure(title, (7, 4.5))
    axes.plot(100 * coverage, 100 * error, label="wrong among the first so many")
    is_digit = np.isfinite(promised[order])
    axes.step(100 * coverage[is_digit], 100 * promised[order][is_digit], "--", color="grey", label="promised")
    axes.set(xlabel="share of answers that are sure, %", ylabel="wrong among them, %", yscale="symlog")
    axes.legend()
    return figure


def reject_curve(correct: npt.NDArray[np.bool_], sure: float | None, title: str) -> Figure:
    """Errors among the first of ranked answers, right or wrong (n,), against their share; a line where `sure` ends."""
    coverage, error = risk_coverage(correct)
    figure, axes = _figure(title, (7, 4.5))
    axes.plot(100 * coverage, 100 * error)
    if sure is not None:
        axes.axvline(100 * sure, linestyle="--", color="grey", label="sure")
        axes.legend()
    axes.set(xlabel="share of pictures that are answered, %", ylabel="wrong among them, %", ylim=(0, None))
    return figure


def mistakes(images: Images, labels: Labels, probabilities: Probabilities, title: str) -> Figure:
    """The 32 worst mistakes as a grid of images, each with its true and its predicted digit."""
    worst = worst_mistakes(labels, probabilities, COLUMNS * ROWS)
    captions = [f"{labels[index]} read as {probabilities[index].argmax()}" for index in worst]
    return sheet(images[worst], captions, f"{title}: the {len(worst)} worst of the mistakes")


def sheet(images: Images, captions: Sequence[str], title: str) -> Figure:
    """The first 32 images as a grid, each with its caption."""
    cell = SIDE + CAPTION
    # One picture with captions draws ten times faster than 32 axes.
    paper = np.full((ROWS * cell, COLUMNS * cell), 255, np.uint8)
    figure, axes = _figure(title, (COLUMNS, ROWS + 0.5))
    for place, (image, caption) in enumerate(zip(images[: COLUMNS * ROWS], captions, strict=False)):
        top, left = place // COLUMNS * cell, place % COLUMNS * cell + CAPTION // 2
        paper[top + CAPTION : top + cell, left : left + SIDE] = 255 - image
        axes.text(left + SIDE / 2, top + CAPTION - 2, caption, ha="center", size=8)
    axes.imshow(paper, cmap="gray", vmin=0, vmax=255)
    axes.axis("off")
    return figure


def learning_curves(curves: LearningCurves, title: str) -> Figure:
    """Losses on the left, accuracies on the right, by step."""
    figure = empty_figure(9, 4)
    figure.suptitle(title)
    for axes, kind in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for name, points in curves.items():
            if kind in name:
                axes.plot(*zip(*points, strict=True), label=name)
        axes.set(xlabel="step", ylabel=kind)
        axes.legend()
    return figure
