"""Pictures of robustness: the accuracy at each corruption, and a digit under all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_mlflow.evaluation.corruptions import CORRUPTIONS, STRENGTHS, corrupt
from mnist_mlflow.evaluation.drawing import INK, Margins, styled, titled_axes
from mnist_mlflow.evaluation.labels import label_axes
from mnist_mlflow.evaluation.plots import place_between
from mnist_mlflow.types import SIDE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLOCKS = 2  # of corruptions, side by side
GAP = 3  # pixels between images
BLOCK, NAME = 178, 82  # pixels of a block, and in it of a name
LEAST = 10  # per cent of mistakes that the darkest colour stands for at least


@styled()
def draw_accuracies(accuracies: Mapping[str, Sequence[float]], about: str) -> Figure:
    """A heat map of accuracies: a row for each corruption, in their order, a column for each strength.

    Colour stands for mistakes.
    """
    values = 100 * np.array(list(accuracies.values()))
    figure, axes = titled_axes("Accuracy on corrupted images, %", about, 6.2, Margins(left=1.2))
    most = max(100 - values.min(), LEAST)
    axes.imshow(100 - values, aspect="auto", vmin=0, vmax=most)
    for (row, column), value in np.ndenumerate(values):
        dark = 100 - value > 0.6 * most
        axes.text(column, row, f"{value:.1f}", ha="center", va="center", color="white" if dark else INK)
    label_axes(axes, "strength of the corruption", "")
    place_between(axes, len(STRENGTHS), len(values))
    axes.set_xticklabels([str(strength) for strength in STRENGTHS])
    axes.set_yticklabels([name.replace("_", " ") for name in accuracies])
    return figure


@styled()
def draw_samples(image: npt.NDArray[np.uint8], about: str) -> Figure:
    """An image (28, 28) under each corruption at each strength, dark ink on white as on paper."""
    rows, cell = len(CORRUPTIONS) // BLOCKS, SIDE + GAP
    figure, axes = titled_axes("One digit under the twenty corruptions", about, 5.4, Margins(0.05, 0.05, 0.1, 0.65))
    paper = np.full((rows * cell, BLOCKS * BLOCK), 255, np.uint8)
    for place, name in enumerate(CORRUPTIONS):
        top, left = place % rows * cell, place // rows * BLOCK
        axes.text(left + NAME - 4, top + SIDE / 2, name.replace("_", " "), ha="right", va="center")
        for column, strength in enumerate(STRENGTHS):
            start = left + NAME + column * cell
            paper[top : top + SIDE, start : start + SIDE] = 255 - corrupt(image[None], name, strength)[0]
    axes.imshow(paper, cmap="gray", vmin=0, vmax=255)
    axes.axis("off")
    return figure
