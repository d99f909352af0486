"""Searches side by side: how far they came, and how they explored their spaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mnist_mlflow.evaluation.drawing import as_png
from mnist_mlflow.evaluation.exploration import Goal, complete, draw_progress, draw_values, values_tried, varied
from mnist_mlflow.reports.sections import Section
from mnist_mlflow.search.objectives import MAXIMIZED, METRICS, TITLES, goals
from mnist_mlflow.tracking.sides import Side
from mnist_mlflow.tracking.trials import PREFIX

if TYPE_CHECKING:
    import pandas as pd

TEXT = (
    "Of each hyperparameter: the values that were tried, and that of the best trial. "
    "The best is that on the tuning slice, which flatters it."
)


def search_section(sides: Sequence[Side]) -> Section:
    """The numbers of trials, the best value, and the ranges that were tried; empty unless two sides searched."""
    searches = searches_of(sides)
    if len(searches) < 2:
        return Section("Searches")
    goal = shared_goal(sides)
    rows = [["trials complete, of all", *(f"{len(complete(one))} of {len(one)}" for one in searches.values())]]
    best = {label: _best(trials, goal) for label, trials in searches.items()}
    rows.append([f"best {goal.replace('_', ' ')}", *(f"{trial[METRICS[goal]]:.4f}" for trial in best.values())])
    rows.append(["found by", *(f"{PREFIX}{trial['trial']:03.0f}" for trial in best.values())])
    for name in varied(searches, hyperparameters(sides)):
        values = [
            f"{values_tried(trials, name)}; best {_shown(best[label][name])}" for label, trials in searches.items()
        ]
        rows.append([name, *values])
    return Section("Searches", TEXT, ["", *searches], rows)


def _best(trials: pd.DataFrame, goal: str) -> dict[str, Any]:
    """The best complete trial by column, the earliest of equals."""
    order = complete(trials).sort_values(METRICS[goal], ascending=goal not in MAXIMIZED, kind="stable")
    return {str(name): value for name, value in order.iloc[0].items()}


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def searches_of(sides: Sequence[Side]) -> dict[str, pd.DataFrame]:
    """The trials of the sides that searched, by label, where one at least is complete."""
    searched = {side.label: side.trials for side in sides if side.trials is not None}
    return {label: trials for label, trials in searched.items() if len(complete(trials))}


def shared_goal(sides: Sequence[Side]) -> str:
    """The first goal of the searches if it is the same in all, else log loss, which every trial has."""
    first = {goals(side.runs[0].data.params.get("objective", "log_loss"))[0] for side in sides if side.is_search}
    return next(iter(first & {"log_loss", "accuracy"}), "log_loss") if len(first) == 1 else "log_loss"


def hyperparameters(sides: Sequence[Side]) -> list[str]:
    """The params that all searches have and that are columns of their trials."""
    params: Mapping[str, str] = next(side.runs[0].data.params for side in sides if side.trials is not None)
    return list(params)


def draw_searches(sides: Sequence[Side]) -> dict[str, bytes]:
    """The pictures of the searches as PNG files, by caption; none unless two sides searched."""
    searches = searches_of(sides)
    if len(searches) < 2:
        return {}
    name = shared_goal(sides)
    goal, names = Goal(METRICS[name], TITLES[name], name in MAXIMIZED), varied(searches, hyperparameters(sides))
    about = "dots: complete trials"
    figures = {"The best value so far, trial by trial": draw_progress(searches, goal, about)}
    if names:
        caption = "Each hyperparameter that the searches share, against the goal"
        figures[caption] = draw_values(searches, goal, names, "strokes at the lower edge: pruned and failed trials")
    return {caption: as_png(figure) for caption, figure in figures.items()}
