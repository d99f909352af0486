"""Plots of a study: still ones in the style of all pictures, and those that Optuna draws for a browser."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, PackageLoader
from optuna import Study, create_study
from optuna.trial import FrozenTrial, TrialState, create_trial

from mnist_mlflow.evaluation import trial_plots
from mnist_mlflow.evaluation.drawing import COLOURS, INK, as_png
from mnist_mlflow.evaluation.exploration import Goal, draw_progress, draw_values
from mnist_mlflow.evaluation.pareto import pareto_front
from mnist_mlflow.search.objectives import MAXIMIZED, TITLES, costs_of, goals
from mnist_mlflow.search.pruning import WHOLE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

FEWEST = 2  # trials that can be compared
VALUE = "value"  # the column of the first goal
ABOUT = ("trial", "state", VALUE)  # the first columns of a table of trials
PLOTS = {  # Optuna's functions
    "history": "plot_optimization_history",
    "importances": "plot_param_importances",
    "parallel_coordinates": "plot_parallel_coordinate",
    "slices": "plot_slice",
    "pareto_front": "plot_pareto_front",
    "intermediate_values": "plot_intermediate_values",
}
COMPARING = ("importances", "parallel_coordinates", "slices")  # plots of all trials at a stage that all have reached


def draw(study: Study, objective: str, folder: Path) -> None:
    """Write each plot into a folder as a PNG file, and all on one page, `study.html`, that needs no network.

    Nothing is written before two trials can be compared.
    """
    plots, figures = StudyPlots(study, objective), []
    for name in PLOTS if plots.can_compare else ():
        try:
            with warnings.catch_warnings(action="ignore"):  # what Optuna calls experimental
                (folder / f"{name}.png").write_bytes(as_png(getattr(plots, name)()))
                figures.append(plots.interactive(name))
        except (ValueError, RuntimeError):
            continue  # there is no such plot of this study, or its trials do not differ enough
    if figures:
        parts = [figure.to_html(full_html=False, include_plotlyjs=number == 0) for number, figure in enumerate(figures)]
        environment = Environment(loader=PackageLoader("mnist_mlflow.search", ""), autoescape=True)
        page = environment.get_template("study.html.jinja").render(title=study.study_name, plots=parts)
        (folder / "study.html").write_text(page, encoding="utf-8")


class StudyPlots:
    """The plots of a study, a method for each; most of them show the first of two goals.

    A method raises ValueError or RuntimeError for trials that it has nothing to show of.
    """

    def __init__(self, study: Study, objective: str) -> None:
        self.study, self.objective, self.goals = study, objective, goals(objective)
        self.comparable, self.stage = _comparable(study)
        self.about = f"study {study.study_name}"
        self.first = {"target": lambda trial: _values(trial)[0]} if len(self.goals) > 1 else {}
        self.goal = Goal(VALUE, TITLES[self.goals[0]], self.goals[0] in MAXIMIZED)
        self.staged = self.goal._replace(title=self.goal.title + self.stage)
        self.table = _table(self.comparable.get_trials(deepcopy=False, states=[TrialState.COMPLETE]))
        self.params = list(self.table.columns[len(ABOUT) :])

    @property
    def can_compare(self) -> bool:
        """True if two trials have tried hyperparameters to the end, or to a stage that all reached."""
        return len(self.table) >= FEWEST and bool(self.params)

    def interactive(self, name: str) -> Any:
        """A plot as Optuna draws it for a browser."""
        from optuna import visualization

        options: dict[str, Any] = {"target_name": self.goals[0], **self.first}
        if name in COMPARING:
            options["target_name"] += self.stage
        options = {"pareto_front": {"target_names": self.goals}, "intermediate_values": {}}.get(name, options)
        subject = self.comparable if name in COMPARING else self.study
        figure = getattr(visualization, PLOTS[name])(subject, **options)
        return figure.update_layout(template="plotly_white", colorway=COLOURS, font={"color": INK})

    def history(self) -> Figure:
        """The value of each trial, and the best so far."""
        table = _table(self.study.get_trials(deepcopy=False))
        about = f"{self.about}; dots: complete trials"
        return draw_progress({"the best": table}, self.goal, about)

    def importances(self) -> Figure:
        """The importance of each hyperparameter."""
        from optuna.importance import get_param_importances

        return trial_plots.draw_importances(get_param_importances(self.comparable, **self.first), self.about)

    def parallel_coordinates(self) -> Figure:
        """The hyperparameters of each trial in a line."""
        return trial_plots.draw_parallel(self.table, self.staged, self.params, self.about)

    def slices(self) -> Figure:
        """The goal against each hyperparameter."""
        return draw_values({"": self.table}, self.staged, self.params, self.about)

    def pareto_front(self) -> Figure:
        """The values of two goals; raises ValueError where there is one."""
        if len(self.goals) == 1:
            raise ValueError("There is one goal.")
        trials = self.study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        values, titles = [_values(trial) for trial in trials], [TITLES[name] for name in self.goals]
        front = pareto_front([costs_of(self.objective, row) for row in values])
        return trial_plots.draw_front(np.array(values), front, titles, self.about)

    def intermediate_values(self) -> Figure:
        """The value of each trial by the stage of its learning; raises ValueError where none has stages."""
        trials = [one for one in self.study.get_trials(deepcopy=False) if one.intermediate_values]
        if not trials:
            raise ValueError("No trial has reported a stage.")
        is_whole = [one.state == TrialState.COMPLETE for one in trials]
        ends = [{WHOLE: _values(one)[0]} if whole else {} for one, whole in zip(trials, is_whole, strict=True)]
        stages = [one.intermediate_values | end for one, end in zip(trials, ends, strict=True)]
        return trial_plots.draw_stages(stages, is_whole, self.goal, self.about)


def _values(trial: FrozenTrial) -> list[float]:
    """The values of a trial; not a number where it has none."""
    return trial.values or [math.nan]  # noqa: PD011


def _table(trials: Sequence[FrozenTrial]) -> pd.DataFrame:
    """A row for each trial: its number, its state, its value of the first goal, and its hyperparameters."""
    import pandas as pd

    about = [(one.number, one.state.name.lower(), _values(one)[0]) for one in trials]
    return pd.DataFrame(about, columns=ABOUT).join(pd.DataFrame([one.params for one in trials]))


def _comparable(study: Study) -> tuple[Study, str]:
    """The study to compare hyperparameters by; where trials were pruned, by the values at their first rung.

    Of complete trials alone there are few in such a search; all trials reached the first rung. The text says which.
    """
    trials = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE, TrialState.PRUNED])
    if all(trial.state == TrialState.COMPLETE for trial in trials):
        return study, ""
    rung = min(step for trial in trials for step in trial.intermediate_values)
    comparable = create_study(study_name=study.study_name, direction=study.direction)
    for trial in trials:
        if math.isfinite(value := trial.intermediate_values.get(rung, math.nan)):
            comparable.add_trial(create_trial(value=value, params=trial.params, distributions=trial.distributions))
    return comparable, f" at stage {rung} of {WHOLE}"
