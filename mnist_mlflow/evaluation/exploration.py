"""Explorations of searches side by side: the best value so far, and which hyperparameters were tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from mnist_mlflow.evaluation.drawing import COLOURS, Margins, plain, styled, titled_axes, titled_figure
from mnist_mlflow.evaluation.labels import FEWEST_IN_LEGEND, Label, is_wide, label_axes, label_plainly, label_points

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Searches: TypeAlias = "Mapping[str, pd.DataFrame]"  # the trials of each search, by its label
MARKS = "osD^vP*X"
COLUMNS = 2
KEY = 0.25  # inches for the names of several searches
NAME = 0.078  # inches that a letter of a name takes
MARK = 5  # points of a mark
FEW = 4  # values that are named one by one


class Goal(NamedTuple):
    """A goal of searches: the column of their trials, its words with their unit, and its direction."""

    column: str
    title: str
    is_maximized: bool = False


def complete(trials: pd.DataFrame) -> pd.DataFrame:
    """The complete trials: the values of others are not comparable."""
    return trials[trials["state"] == "complete"]


def varied(searches: Searches, names: Sequence[str]) -> list[str]:
    """The hyperparameters among names that all searches have, and that took two values at least in one of them."""
    shared = [name for name in names if all(name in trials for trials in searches.values())]
    return [name for name in shared if any(len(trials[name].unique()) > 1 for trials in searches.values())]


def values_tried(trials: pd.DataFrame, name: str) -> str:
    """The values that a hyperparameter took, in words: a range, or all where they are few or no numbers."""
    values = trials[name].dropna()
    different = sorted(values.unique())
    if not is_numeric(trials[name]) or len(different) <= FEW:
        return ", ".join(_figure(value) for value in different)
    return f"{_figure(different[0])} to {_figure(different[-1])}"


def _figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def is_numeric(values: pd.Series[Any]) -> bool:
    """True for numbers, which flags are not."""
    import pandas as pd

    kind = values.dtype
    return pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)


@styled()
def draw_progress(searches: Searches, goal: Goal, about: str) -> Figure:
    """The best value so far, by the number of the trial; dots are the complete trials."""
    room = 0.3 + NAME * max(map(len, searches)) if len(searches) < FEWEST_IN_LEGEND else 0.2
    figure, axes = titled_axes("The best value so far", about, 3.8, Margins(right=room))
    ends = []
    for number, (label, trials) in enumerate(searches.items()):
        values, colour = complete(trials).set_index("trial")[goal.column], COLOURS[number]
        best = values.cummax() if goal.is_maximized else values.cummin()
        axes.step(best.index, best, where="post", label=plain(label), color=colour)
        axes.plot(values.index, values, MARKS[number], color=colour, markersize=4, alpha=0.6)
        ends.append(Label(best.index[-1], best.iloc[-1], label))
    label_axes(axes, "trial", goal.title)
    axes.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]  # of the default locator
    if len(searches) < FEWEST_IN_LEGEND:
        label_points(axes, ends)
    else:
        axes.legend(ncols=2)
    return figure


@styled()
def draw_values(searches: Searches, goal: Goal, names: Sequence[str], about: str) -> Figure:
    """The goal against each hyperparameter; pruned and failed trials are strokes at the lower edge."""
    rows, key = -(-len(names) // COLUMNS), KEY if len(searches) >= FEWEST_IN_LEGEND else 0.0
    margins = Margins(top=0.85 + key)
    figure = titled_figure("What each hyperparameter brought", about, 2.0 * rows + 1.0 + key, margins)
    every = list(figure.subplots(rows, COLUMNS, squeeze=False, sharey=True, gridspec_kw={"hspace": 0.55}).flat)
    for axes, name in zip(every, names, strict=False):
        _draw_hyperparameter(axes, searches, goal.column, name)
        label_axes(axes, name, goal.title if axes is every[0] else "")
    for axes in every[len(names) :]:
        axes.axis("off")
    if key:
        handles, labels = every[0].get_legend_handles_labels()
        place = 0.08 / figure.get_figwidth(), 1 - 0.52 / figure.get_figheight()
        where = {"loc": "upper left", "bbox_to_anchor": place, "borderpad": 0, "borderaxespad": 0}
        figure.legend(handles, list(map(plain, labels)), ncols=3, **where)
    elif len(searches) > 1:
        label_points(every[0], list(_names(every[0], goal)))
    return figure


def _names(axes: Axes, goal: Goal) -> Iterator[Label]:
    """The name of each search, for the worst of its complete trials: around that is most room."""
    for line in axes.lines:
        points = np.asarray(line.get_xydata(), float)
        points = points[np.isfinite(points).all(axis=1)]  # some trials do without some hyperparameters
        if len(points) and not str(line.get_label()).startswith("_"):
            x, y = min(points, key=lambda point: point[1] if goal.is_maximized else -point[1])
            yield Label(x, y, str(line.get_label()), size=MARK)


def _draw_hyperparameter(axes: Axes, searches: Searches, column: str, name: str) -> None:
    numeric = all(is_numeric(trials[name]) for trials in searches.values())
    for number, (label, trials) in enumerate(searches.items()):
        colour, places = COLOURS[number], trials[name] if numeric else trials[name].astype(str)
        whole = trials["state"] == "complete"
        axes.plot(places[whole], trials[column][whole], MARKS[number], label=label, color=colour, alpha=0.7)
        edge = np.zeros(int((~whole).sum()))
        axes.plot(places[~whole], edge, "|", color=colour, markersize=8, transform=axes.get_xaxis_transform())
    if not numeric:
        axes.margins(x=0.15)
        return
    values = sorted({value for trials in searches.values() for value in trials[name].dropna()})
    if is_wide(values):
        axes.set_xscale("log")
        label_plainly(axes.xaxis)
    elif len(values) <= FEW:
        axes.set_xticks(values, [f"{value:g}" for value in values])
