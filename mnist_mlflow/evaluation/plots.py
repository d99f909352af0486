"""The pictures of a run, in the style of drawing.py; nothing here touches the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_mlflow.evaluation.calibration import expected_calibration_error, reliability
from mnist_mlflow.evaluation.drawing import (
    BLUE,
    FAINT,
    GREY,
    INK,
    NOTICE,
    ORANGE,
    Margins,
    add_note,
    as_png,
    styled,
    titled_axes,
    titled_figure,
)
from mnist_mlflow.evaluation.labels import Label, is_wide, label_axes, label_points
from mnist_mlflow.evaluation.metrics import class_scores, worst_mistakes
from mnist_mlflow.evaluation.selective import risk_coverage
from mnist_mlflow.evaluation.significance import accuracy_interval
from mnist_mlflow.model.readings import Readings
from mnist_mlflow.types import CLASSES, SIDE, Images, Labels, Part, Probabilities

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LearningCurves = Mapping[str, list[tuple[int, float]]]  # metric: its (step, value) pairs

COLUMNS, ROWS = 8, 4
GAP, CAPTION = 10, 22  # pixels between mistakes, and above each for its caption
SIDES = {"train": "training images", "epoch_val": "tuning slice"}  # what learning curves are measured on


def pictures(part: Part, readings: Readings, curves: LearningCurves, model: str, data: str) -> dict[str, bytes]:
    """All the pictures of a run as PNG files, by name; learning curves only where there are any.

    `part` are the validation images, `model` and `data` are words for the model and for the data set.
    """
    probabilities, about = readings.probabilities, f"{model}, {len(part):,} validation images of {data}"
    figures = {
        "confusion_matrix": confusion_matrix(part.labels, probabilities, about),
        "per_class": per_class(part.labels, probabilities, about),
        "reliability": reliability_diagram(part.labels, probabilities, about),
        "risk_coverage": risk_coverage_curve(part.labels, readings, about),
        "mistakes": mistakes(part.images, part.labels, probabilities, about),
    }
    if curves:
        figures["learning_curves"] = learning_curves(curves, f"{model}, learning from {data}")
    return {name: as_png(figure) for name, figure in figures.items()}


@styled()
def confusion_matrix(labels: Labels, probabilities: Probabilities, about: str) -> Figure:
    """Counts of digits (rows) that were read as others (columns); colour shows mistakes alone."""
    from sklearn.metrics import confusion_matrix as count

    matrix = count(labels, probabilities.argmax(axis=1), labels=range(CLASSES))
    wrong = matrix - np.diag(np.diag(matrix))
    figure, axes = titled_axes(f"Confusion matrix: {wrong.sum():,} misread", about, 5.2)
    axes.imshow(np.ma.masked_equal(wrong, 0), vmin=-0.15 * wrong.max(), vmax=wrong.max() or 1, aspect="auto")
    for row, column in np.argwhere(matrix):
        colour = GREY if row == column else "white" if wrong[row, column] > 0.6 * wrong.max() else INK
        axes.text(column, row, f"{matrix[row, column]:,}", ha="center", va="center", color=colour)
    label_axes(axes, "read as", "label")
    place_between(axes, CLASSES, CLASSES)
    return figure


def place_between(axes: Axes, columns: int, rows: int) -> None:
    """Put the lines of a grid between the cells of a table, and a tick at each cell."""
    axes.set(xticks=range(columns), yticks=range(rows))
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(visible=False)
    axes.grid(visible=True, which="minor")
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)


@styled()
def per_class(labels: Labels, probabilities: Probabilities, about: str) -> Figure:
    """Precision, recall and F1 of each digit."""
    precision, recall, f1 = (100 * scores for scores in class_scores(labels, probabilities)[:3])
    figure, axes = titled_axes("Precision, recall and F1 of each digit", about, 3.8, Margins(right=0.95))
    digits = np.arange(CLASSES)
    axes.vlines(digits, precision, recall, color=FAINT, lw=1, zorder=1)
    names = {"precision": (precision, BLUE, "o"), "recall": (recall, ORANGE, "s"), "F1": (f1, INK, "_")}
    for values, colour, mark in names.values():
        axes.plot(digits, values, mark, color=colour, markersize=9 if mark == "_" else 6, markeredgewidth=1.5)
    axes.set(xticks=digits, xlim=(-0.5, CLASSES - 0.5))
    axes.grid(visible=False, axis="x")
    label_axes(axes, "digit", "%")
    label_points(axes, [Label(CLASSES - 1, values[-1], name, size=6) for name, (values, *_) in names.items()])
    return figure


@styled()
def reliability_diagram(labels: Labels, probabilities: Probabilities, about: str) -> Figure:
    """Accuracy against confidence, with its 95 % interval, and the number of images at each confidence below."""
    confidence, accuracy, counts = reliability(labels, probabilities)
    filled = counts > 0
    x, y, images = 100 * confidence[filled], 100 * accuracy[filled], counts[filled]
    error = expected_calibration_error(labels, probabilities)
    figure = titled_figure(f"Reliability: calibration error {100 * error:.2f} %", about, 5.4)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1), gridspec_kw={"hspace": 0.22})
    upper.plot((0, 100), (0, 100), "--", color=FAINT)
    bounds = [accuracy_interval(round(share * n / 100), int(n)) for share, n in zip(y, images, strict=True)]
    upper.vlines(x, *(100 * np.transpose(bounds)), color=BLUE, lw=1, alpha=0.6)
    upper.plot(x, y, "o", color=BLUE)
    upper.text(7, 11, "as it should be", color=GREY, rotation=45, rotation_mode="anchor", transform_rotates_text=True)
    upper.set(xlim=(0, 102), ylim=(0, 102))
    label_axes(upper, "", "read right, %; lines: 95 % interval")
    lower.vlines(x, 0.7, images, color=BLUE, lw=9)
    lower.set(yscale="log", ylim=(0.7, 2 * images.max()))
    lower.yaxis.set_major_formatter("{x:,.0f}")
    label_axes(lower, "confidence, %", "images")
    return figure


def risk_coverage_curve(labels: Labels, readings: Readings, about: str) -> Figure:
    """Errors among the answers that rank highest, against their share of all, with those that are promised."""
    order = np.argsort(readings.promised, kind="stable")
    correct, promised = readings.probabilities.argmax(axis=1)[order] == labels[order], readings.promised[order]
    figure = reject_curve(correct, float(readings.sure.mean()), about)
    is_digit = np.isfinite(promised)
    if is_digit.any():
        (axes,) = figure.axes
        _draw_promises(axes, 100 * (np.flatnonzero(is_digit) + 1) / len(order), 100 * promised[is_digit])
    return figure


@styled()
def _draw_promises(axes: Axes, coverage: npt.NDArray[np.float64], promised: npt.NDArray[np.float64]) -> None:
    left, right, bottom, top = *axes.get_xlim(), *axes.get_ylim()
    axes.step(coverage, promised, "--", color=FAINT)
    axes.set(xlim=(left, right), ylim=(bottom, top))
    shown = promised[(coverage >= left) & (promised <= top)]
    if len(shown):
        axes.text(left, shown[0], " promised", color=GREY, va="bottom")


@styled()
def reject_curve(correct: npt.NDArray[np.bool_], sure: float | None, about: str) -> Figure:
    """Errors among the first of ranked answers, right or wrong (n,), against their share; a line where `sure` ends."""
    coverage, error = (100 * values for values in risk_coverage(correct))
    figure, axes = titled_axes("Errors among the surest answers", about, 3.8)
    axes.plot(coverage, error, color=BLUE)
    first = coverage[np.argmin(correct)] if not correct.all() else 0.0
    axes.set(xlim=(10 * np.floor(min(first, 90) / 10), 101), ylim=(0, 1.25 * error.max() or 1.0))
    label_axes(axes, "share of pictures that are answered, the surest first, %", "wrong among them, %")
    if sure is not None:
        axes.axvline(100 * sure, linestyle=":", color=NOTICE, lw=1.2)
        axes.text(
            100 * sure, 0.97, f"sure: {100 * sure:.1f} % ", ha="right", va="top", transform=axes.get_xaxis_transform()
        )
    return figure


def mistakes(images: Images, labels: Labels, probabilities: Probabilities, about: str) -> Figure:
    """The 32 worst mistakes as a grid of images. Captions are the digit, the one that was read, and the confidence."""
    worst = worst_mistakes(labels, probabilities, len(labels))
    read, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    captions = [f"{labels[row]} → {read[row]}\n{100 * confidence[row]:.0f} %" for row in worst[: COLUMNS * ROWS]]
    figure = sheet(images[worst[: COLUMNS * ROWS]], captions, _all_or_worst(len(worst)), about)
    add_note(figure, "label → read as, with its confidence" if worst else "Every image is read right.")
    return figure


def _all_or_worst(count: int) -> str:
    if count <= 1:
        return "The only mistake" if count else "No mistakes"
    return f"All {count} mistakes" if count <= COLUMNS * ROWS else f"The {COLUMNS * ROWS} worst of {count:,} mistakes"


@styled()
def sheet(images: Images, captions: Sequence[str], title: str, about: str = "") -> Figure:
    """The first 32 images as a grid, each with its caption of two lines."""
    shown = min(len(images), COLUMNS * ROWS)
    rows, wide, high = -(-shown // COLUMNS) or 2, SIDE + GAP, SIDE + CAPTION
    # One picture with captions draws ten times faster than 32 axes.
    paper = np.full((rows * high, COLUMNS * wide), 255, np.uint8)
    margins = Margins(0.05, 0.05, 0.35, 0.6)
    height = (5.4 / COLUMNS) * high / wide * rows + margins.top + margins.bottom
    figure, axes = titled_axes(title, about, height, margins)
    for place, (image, caption) in enumerate(zip(images[:shown], captions, strict=False)):
        top, left = place // COLUMNS * high + CAPTION, place % COLUMNS * wide + GAP // 2
        paper[top : top + SIDE, left : left + SIDE] = 255 - image
        axes.text(left + SIDE / 2, top - 1, caption, ha="center", va="bottom", size=9, linespacing=1.1)
    axes.imshow(paper, cmap="gray", vmin=0, vmax=255)
    axes.axis("off")
    return figure


@styled()
def learning_curves(curves: LearningCurves, about: str) -> Figure:
    """Losses above, accuracies below, by step."""
    figure = titled_figure("Learning curves", about, 5.0, Margins(right=1.15))
    for axes, kind in zip(figure.subplots(2, 1, sharex=True, gridspec_kw={"hspace": 0.3}), UNITS, strict=True):
        _draw_curves(axes, {name: points for name, points in curves.items() if kind in name}, kind)
    axes.set_xlabel("epoch, or round of boosting")
    axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


UNITS = {"loss": (1, "log loss, nats"), "accuracy": (100, "accuracy, %")}  # by what the names of curves say


def _draw_curves(axes: Axes, curves: LearningCurves, kind: str) -> None:
    factor, title = UNITS[kind]
    label_axes(axes, "", title)
    ends = []
    for number, (name, points) in enumerate(sorted(curves.items())):
        steps, values = np.array(points, float).T
        axes.plot(steps, factor * values, "-" if len(points) > 1 else "o", color=(BLUE, ORANGE)[number % 2])
        side = next((words for start, words in SIDES.items() if name.startswith(start)), name)
        ends.append(Label(steps[-1], factor * values[-1], side))
    values = [value for points in curves.values() for _, value in points]
    if values and kind == "loss" and is_wide(values):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    if ends:
        label_points(axes, ends)
