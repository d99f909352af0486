"""Pictures of one search: what mattered, how trials learned, how their hyperparameters go together, and two goals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.evaluation.drawing import BLUE, FAINT, Margins, add_note, plain, styled, titled_axes
from mnist_mlflow.evaluation.exploration import Goal, is_numeric
from mnist_mlflow.evaluation.labels import is_wide, label_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NAMES = Margins(left=1.4, right=0.6, top=0.65)
LIGHT = "#c9ced6"
PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8}  # behind words that lines cross


@styled()
def draw_importances(shares: Mapping[str, float], about: str) -> Figure:
    """The importance of each hyperparameter, as shares of 1, as bars; the largest is on top."""
    figure, axes = titled_axes("Which hyperparameters mattered", about, 1.2 + 0.32 * len(shares), NAMES)
    names, values = list(shares), 100 * np.array(list(shares.values()))
    bars = axes.barh(range(len(names)), values, 0.65, color=BLUE)
    axes.bar_label(bars, [f"{value:.0f} %" if value >= 1 else "< 1 %" for value in values], padding=4)
    axes.set_yticks(range(len(names)), [plain(name) for name in names])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    label_axes(axes, "share of what they explain together, %", "")
    return figure


@styled()
def draw_stages(trials: Sequence[Mapping[int, float]], is_whole: Sequence[bool], goal: Goal, about: str) -> Figure:
    """The value of each trial, at each stage of its learning; pale are those that are not complete."""
    figure, axes = titled_axes("How the trials learned", about, 4.0, Margins(bottom=0.75))
    for stages, whole in zip(trials, is_whole, strict=True):
        axes.plot(*zip(*sorted(stages.items()), strict=True), ".-", color=BLUE if whole else FAINT, lw=1, alpha=0.7)
    last = sorted({stage for stages in trials for stage in stages})
    if len(last) > 1:
        axes.set_xscale("log")
    axes.set_xticks(last, [str(stage) for stage in last])
    axes.minorticks_off()
    label_axes(axes, "stage of the learning", goal.title)
    add_note(figure, "Dark: complete trials. Pale: pruned and failed trials.")
    return figure


@styled()
def draw_front(
    values: npt.NDArray[np.float64], front: npt.NDArray[np.intp], titles: Sequence[str], about: str
) -> Figure:
    """The values (n, 2) of two goals; filled are the rows of the front."""
    figure, axes = titled_axes("The two goals", f"{about}; filled: no trial is better in both", 3.8)
    axes.plot(*values.T, "o", color=BLUE, markerfacecolor="white")
    axes.plot(*values[front].T, "o", color=BLUE)
    label_axes(axes, *titles)
    return figure


@styled()
def draw_parallel(trials: pd.DataFrame, goal: Goal, names: Sequence[str], about: str) -> Figure:
    """A line for each trial through its hyperparameters and, at the right, its value; the best tenth is dark."""
    figure, axes = titled_axes("How the hyperparameters go together", about, 4.4, Margins(0.4, 0.5, 1.1, 0.8))
    columns = [_Column(trials[name]) for name in (*names, goal.column)]
    heights = np.column_stack([column.heights for column in columns])
    ranks = trials[goal.column].rank(ascending=not goal.is_maximized, method="first").to_numpy()
    for row in np.argsort(-ranks):
        is_best = ranks[row] <= max(1, len(trials) // 10)
        there = np.flatnonzero(np.isfinite(heights[row]))  # some trials do without some hyperparameters
        axes.plot(there, heights[row][there], color=BLUE if is_best else LIGHT, lw=1.6 if is_best else 0.9)
    for place, column in enumerate(columns):
        axes.axvline(place, color=FAINT, lw=0.8)
        for height, text in column.marks:
            above = {0.0: -0.045, 1.0: 0.045}.get(height, 0.0)
            axes.text(place, height + above, plain(text), ha="center", va="center", size=9, bbox=PAPER)
    axes.set(ylim=(-0.08, 1.08), xlim=(-0.1, len(columns) - 0.9), yticks=[])
    axes.set_xticks(range(len(columns)), [plain(name.replace("_", "\n")) for name in (*names, "value")])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    add_note(figure, f"Value: {goal.title}.\nDark: the best tenth.")
    return figure


class _Column:
    """A hyperparameter, or the value, of all trials: their heights (n,) from 0 to 1, and texts at some heights."""

    def __init__(self, values: pd.Series[Any]) -> None:
        if is_numeric(values):
            numbers = values.dropna()
            scale = np.log if is_wide(numbers.tolist()) else np.asarray
            low, high = scale(numbers.min()), scale(numbers.max())
            self.heights = (scale(values.to_numpy(float)) - low) / ((high - low) or 1.0)
            self.marks = [(0.0, f"{numbers.min():.3g}"), (1.0, f"{numbers.max():.3g}")]
        else:
            different = sorted(values.dropna().astype(str).unique())
            places = dict(zip(different, np.linspace(0, 1, len(different)), strict=True))
            self.heights = values.astype(str).map(places).to_numpy(float)
            self.marks = [(height, text) for text, height in places.items()]
