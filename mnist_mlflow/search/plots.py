"""Plots of a study, as Optuna draws them: still for the run's page, and interactive in a browser."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader
from optuna import Study, create_study
from optuna.trial import TrialState, create_trial

from mnist_mlflow.search.objectives import goals
from mnist_mlflow.search.pruning import WHOLE

FEWEST = 2  # trials that can be compared

Plot = tuple[str, str, Study, dict[str, Any]]  # its name, Optuna's function, and what the function is called with


def draw(study: Study, objective: str, folder: Path) -> None:
    """Write each plot into a folder as a PNG file, and all on one page, `study.html`, that needs no network.

    Nothing is written before two trials can be compared.
    """
    import matplotlib
    from optuna import visualization

    figures = []
    with matplotlib.rc_context({"backend": "agg", "figure.figsize": (9, 5)}):
        from matplotlib import pyplot
        from optuna.visualization import matplotlib as still

        for name, function, subject, options in _plots(study, objective):
            try:
                with warnings.catch_warnings(action="ignore"):  # experimental, no legend, little room for long names
                    _save_png(getattr(still, function)(subject, **options), folder / f"{name}.png")
                    figures.append(getattr(visualization, function)(subject, **options))
            except (ValueError, RuntimeError):
                continue  # the trials do not differ enough for this one
        pyplot.close("all")
    if figures:
        parts = [figure.to_html(full_html=False, include_plotlyjs=number == 0) for number, figure in enumerate(figures)]
        environment = Environment(loader=PackageLoader("mnist_mlflow.search", ""), autoescape=True)
        page = environment.get_template("study.html.jinja").render(title=study.study_name, plots=parts)
        (folder / "study.html").write_text(page, encoding="utf-8")


def _plots(study: Study, objective: str) -> list[Plot]:
    """The table of plots; most of them show the first of two goals."""
    names = goals(objective)
    comparable, target = _comparable(study, names[0])
    complete = comparable.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    if len(complete) < FEWEST or not any(trial.params for trial in complete):
        return []
    first = {"target": lambda trial: trial.values[0]} if len(names) > 1 else {}
    plots: list[Plot] = [
        ("history", "plot_optimization_history", study, {"target_name": names[0], **first}),
        ("importances", "plot_param_importances", comparable, {"target_name": target, **first}),
        ("parallel_coordinates", "plot_parallel_coordinate", comparable, {"target_name": target, **first}),
        ("slices", "plot_slice", comparable, {"target_name": target, **first}),
    ]
    if len(names) > 1:
        plots.append(("pareto_front", "plot_pareto_front", study, {"target_names": names}))
    if any(trial.intermediate_values for trial in study.get_trials(deepcopy=False)):
        plots.append(("intermediate_values", "plot_intermediate_values", study, {}))
    return plots


def _comparable(study: Study, goal: str) -> tuple[Study, str]:
    """The study to compare hyperparameters by; where trials were pruned, by the values at their first rung.

    Optuna draws complete trials alone, which are few in such a search; all trials reached the first rung.
    """
    trials = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE, TrialState.PRUNED])
    if all(trial.state == TrialState.COMPLETE for trial in trials):
        return study, goal
    rung = min(step for trial in trials for step in trial.intermediate_values)
    comparable = create_study(study_name=study.study_name, direction=study.direction)
    for trial in trials:
        if math.isfinite(value := trial.intermediate_values.get(rung, math.nan)):
            comparable.add_trial(create_trial(value=value, params=trial.params, distributions=trial.distributions))
    return comparable, f"{goal} at stage {rung} of {WHOLE}"


def _save_png(axes: Any, path: Path) -> None:
    figure = (axes.flat[0] if hasattr(axes, "flat") else axes).figure
    for one in figure.axes:
        if one.get_xscale() == "log":
            label_plainly(one.xaxis)
    figure.savefig(path, bbox_inches="tight")


def label_plainly(axis: Any) -> None:
    """Put few numbers on a logarithmic axis, none of them a power: matplotlib's own overlap."""
    from matplotlib import ticker

    low, high = axis.get_view_interval()
    digits = (1,) if high / low > 1_000 else (1, 3) if high / low > 10 else (1, 2, 5)
    axis.set_major_locator(ticker.LogLocator(subs=digits))
    axis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(ticker.NullFormatter())
