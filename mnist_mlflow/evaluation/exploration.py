"""Explorations of searches side by side: the best value so far, and which hyperparameters were tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from mnist_mlflow.evaluation.plots import empty_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Searches: TypeAlias = "Mapping[str, pd.DataFrame]"  # the trials of each search, by its label
# Colours that colour-blind people tell apart. Source: Okabe and Ito, Color universal design, 2008.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
MARKS = "osD^vP*X"
WIDE_RANGE = 30  # largest by smallest, from which an axis is logarithmic
COLUMNS = 3
FEW = 4  # values that are named one by one


def complete(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials that learned to the end: the values of others are not comparable."""
    return trials[trials["state"] == "complete"]


def varied(searches: Searches, names: Sequence[str]) -> list[str]:
    """The hyperparameters among names that all searches have, and that took two values at least in one of them."""
    shared = [name for name in names if all(name in trials for trials in searches.values())]
    return [name for name in shared if any(len(trials[name].unique()) > 1 for trials in searches.values())]


def values_tried(trials: pd.DataFrame, name: str) -> str:
    """The values that a hyperparameter took, in words: a range, or all where they are few or no numbers."""
    values = trials[name].dropna()
    different = sorted(values.unique())
    if not _is_numeric(trials, name) or len(different) <= FEW:
        return ", ".join(_figure(value) for value in different)
    return f"{_figure(different[0])} to {_figure(different[-1])}"


def _figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _is_numeric(trials: pd.DataFrame, name: str) -> bool:
    import pandas as pd

    kind = trials[name].dtype
    return pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)


def draw_progress(searches: Searches, metric: str, is_maximized: bool) -> Figure:
    """The best value of a metric so far, by the number of the trial."""
    figure = empty_figure(8, 4)
    axes = figure.subplots()
    for number, (label, trials) in enumerate(searches.items()):
        values = complete(trials).set_index("trial")[metric]
        best = values.cummax() if is_maximized else values.cummin()
        look = f"-{MARKS[number]}"
        axes.step(best.index, best, look, where="post", label=_plain(label), color=COLOURS[number], markersize=4)
    title = "The best so far, of the trials that learned to the end"
    axes.set(title=title, xlabel="trial", ylabel=f"best {_title(metric)}")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def draw_values(searches: Searches, metric: str, names: Sequence[str]) -> Figure:
    """The metric against each hyperparameter; trials that were broken off are strokes at the lower edge."""
    rows = -(-len(names) // COLUMNS)
    figure = empty_figure(9, 3 * rows + 0.5)
    every = list(figure.subplots(rows, COLUMNS, squeeze=False, sharey=True).flat)
    for axes, name in zip(every, names, strict=False):
        _draw_hyperparameter(axes, searches, metric, name)
    for axes in every[len(names) :]:
        axes.axis("off")
    for axes in every[::COLUMNS][: len(names)]:
        axes.set_ylabel(_title(metric))
    figure.suptitle("What the searches tried; strokes: trials that were broken off")
    handles, labels = every[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


def _draw_hyperparameter(axes: Axes, searches: Searches, metric: str, name: str) -> None:
    numeric = all(_is_numeric(trials, name) for trials in searches.values())
    for number, (label, trials) in enumerate(searches.items()):
        colour, places = COLOURS[number], trials[name] if numeric else trials[name].astype(str)
        whole = trials["state"] == "complete"
        look: dict[str, Any] = {
            "marker": MARKS[number],
            "color": colour,
            "alpha": 0.7,
            "linestyle": "",
            "markersize": 5,
        }
        axes.plot(places[whole], trials[metric][whole], label=_plain(label), **look)
        edge = np.zeros(int((~whole).sum()))
        axes.plot(places[~whole], edge, "|", color=colour, markersize=8, transform=axes.get_xaxis_transform())
    if numeric and _is_wide([value for trials in searches.values() for value in trials[name].dropna()]):
        axes.set_xscale("log")
    axes.set_xlabel(name)


def _is_wide(values: Sequence[float]) -> bool:
    return min(values) > 0 and max(values) / min(values) > WIDE_RANGE


def _title(metric: str) -> str:
    return f"{metric.removeprefix('tuning_').replace('_', ' ')} on the tuning slice"


def _plain(label: str) -> str:
    return label.replace("$", r"\$")  # which would begin a formula
