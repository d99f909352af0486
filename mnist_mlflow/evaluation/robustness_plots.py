"""Pictures of robustness: the accuracy at each corruption, and a digit under all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_mlflow.evaluation.corruptions import CORRUPTIONS, STRENGTHS, corrupt
from mnist_mlflow.evaluation.plots import empty_figure
from mnist_mlflow.types import SIDE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLOCKS = 2  # of corruptions, side by side
GAP = 3  # pixels between images
LEAST = 10  # per cent of mistakes that the darkest red stands for at least


def draw_accuracies(accuracies: Mapping[str, Sequence[float]], title: str) -> Figure:
    """A heat map of accuracies: a row for each corruption, in their order, a column for each strength.

    Red stands for mistakes.
    """
    values = 100 * np.array(list(accuracies.values()))
    figure = empty_figure(5.5, 7)
    axes = figure.subplots()
    most = max(100 - values.min(), LEAST)
    axes.imshow(100 - values, cmap="Reds", aspect="auto", vmin=0, vmax=most)
    for (row, column), value in np.ndenumerate(values):
        dark = 100 - value > most / 2
        axes.text(column, row, f"{value:.1f}", ha="center", va="center", color="white" if dark else "black")
    axes.set(title=title, xlabel="strength", xticks=range(len(STRENGTHS)), yticks=range(len(values)))
    axes.set_xticklabels([str(strength) for strength in STRENGTHS])
    axes.set_yticklabels([name.replace("_", " ") for name in accuracies])
    return figure


def draw_samples(image: npt.NDArray[np.uint8], title: str) -> Figure:
    """An image (28, 28) under each corruption at each strength, dark ink on white as on paper."""
    rows, cell, width = len(CORRUPTIONS) // BLOCKS, SIDE + GAP, 190
    figure = empty_figure(7, 6.2)
    axes = figure.subplots()
    paper = np.full((rows * cell, BLOCKS * width), 255, np.uint8)
    for place, name in enumerate(CORRUPTIONS):
        top, left = place % rows * cell, place // rows * width
        axes.text(left + 68, top + cell / 2, name.replace("_", " "), ha="right", va="center", size=9)
        for column, strength in enumerate(STRENGTHS):
            start = left + 74 + column * cell
            paper[top : top + SIDE, start : start + SIDE] = 255 - corrupt(image[None], name, strength)[0]
    axes.imshow(paper, cmap="gray", vmin=0, vmax=255)
    axes.set_title(title)
    axes.axis("off")
    return figure
