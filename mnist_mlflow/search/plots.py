"""The pictures of a study, as Optuna draws them: still for the run's page, and to be played with in a browser."""

from __future__ import annotations

import html
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from optuna import Study, create_study
from optuna.trial import TrialState, create_trial

from mnist_mlflow.algorithms.base import WHOLE
from mnist_mlflow.search.objectives import goals

FEWEST = 2  # trials that say something together

# What Optuna calls the pictures that compare trials.
COMPARING = {
    "importances": "plot_param_importances",
    "parallel_coordinates": "plot_parallel_coordinate",
    "slices": "plot_slice",
}


def draw(study: Study, objective: str, folder: Path) -> None:
    """Write all pictures into a folder, and the page as `study.html`."""
    for name, picture in pictures(study, objective).items():
        (folder / f"{name}.png").write_bytes(picture)
    if written := page(study, objective):
        (folder / "study.html").write_text(written)


def pictures(study: Study, objective: str) -> dict[str, bytes]:
    """PNG files by name; none before two trials can be compared."""
    import matplotlib

    with matplotlib.rc_context({"backend": "agg", "figure.figsize": (9, 5)}):
        from matplotlib import pyplot
        from optuna.visualization import matplotlib as still

        found = {name: _png(drawn) for name, drawn in _draw(still, study, objective)}
        pyplot.close("all")
    return found


def _png(axes: Any) -> bytes:
    first = axes.flat[0] if hasattr(axes, "flat") else axes
    for one in first.figure.axes:
        if one.get_xscale() == "log":
            label_plainly(one.xaxis)
    buffer = BytesIO()
    with warnings.catch_warnings(action="ignore"):  # that long names leave little room
        first.figure.savefig(buffer, format="png", bbox_inches="tight")
    return buffer.getvalue()


def label_plainly(axis: Any) -> None:
    """Few numbers on a logarithmic axis, none of them a power: matplotlib's own run into each other."""
    from matplotlib import ticker

    low, high = axis.get_view_interval()
    digits = (1,) if high / low > 1_000 else (1, 3) if high / low > 10 else (1, 2, 5)
    axis.set_major_locator(ticker.LogLocator(subs=digits))
    axis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(ticker.NullFormatter())


def page(study: Study, objective: str) -> str:
    """All pictures on one page of HTML that needs no network; empty before two trials can be compared."""
    from optuna import visualization

    figures = [drawn for _, drawn in _draw(visualization, study, objective)]
    parts = [figure.to_html(full_html=False, include_plotlyjs=number == 0) for number, figure in enumerate(figures)]
    if not parts:
        return ""
    title = html.escape(study.study_name)
    head = f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
    return f"{head}<body><h1>{title}</h1>{''.join(parts)}</body></html>"


def _draw(library: Any, study: Study, objective: str) -> Iterator[tuple[str, Any]]:
    for name, drawing in _to_be_drawn(study, objective).items():
        with warnings.catch_warnings(action="ignore"):  # that matplotlib's are experimental, or have no legend
            drawn = _try_to_draw(getattr(library, drawing.function), drawing.study, drawing.options)
        if drawn is not None:
            yield name, drawn


@dataclass(frozen=True)
class _Drawing:
    """Which function of Optuna's to call, of which study, and how."""

    function: str
    study: Study
    options: Mapping[str, Any]


def _to_be_drawn(study: Study, objective: str) -> dict[str, _Drawing]:
    """All pictures by name, if there is enough to compare; of two goals the first is what most of them show."""
    names = goals(objective)
    compared, measure = _comparable(study, names[0])
    complete = compared.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    if len(complete) < FEWEST or not any(trial.params for trial in complete):
        return {}
    of_one = {"target": lambda trial: trial.values[0]} if len(names) > 1 else {}
    drawn = {"history": _Drawing("plot_optimization_history", study, {"target_name": names[0], **of_one})}
    for name, function in COMPARING.items():
        drawn[name] = _Drawing(function, compared, {"target_name": measure, **of_one})
    if len(names) > 1:
        drawn["pareto_front"] = _Drawing("plot_pareto_front", study, {"target_names": names})
    if any(trial.intermediate_values for trial in study.get_trials(deepcopy=False)):
        drawn["intermediate_values"] = _Drawing("plot_intermediate_values", study, {})
    return drawn


def _comparable(study: Study, goal: str) -> tuple[Study, str]:
    """What to compare hyperparameters by: where laggards were broken off, by what the first stage gave.

    Optuna draws completed trials alone, and of such a search they are few; to the first stage all trials came.
    """
    trials = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE, TrialState.PRUNED])
    if all(trial.state == TrialState.COMPLETE for trial in trials):
        return study, goal
    stage = min(step for trial in trials for step in trial.intermediate_values)
    compared = create_study(study_name=study.study_name, direction=study.direction)
    for trial in trials:
        if math.isfinite(value := trial.intermediate_values.get(stage, math.nan)):
            compared.add_trial(create_trial(value=value, params=trial.params, distributions=trial.distributions))
    return compared, f"{goal} at stage {stage} of {WHOLE}"


def _try_to_draw(draw: Callable[..., Any], study: Study, options: Mapping[str, Any]) -> Any:
    """What Optuna draws, or None where the trials do not differ enough for it."""
    try:
        return draw(study, **options)
    except (ValueError, RuntimeError):
        return None
