"""The pictures of a study, as Optuna draws them: still for the run's page, and to be played with in a browser."""

from __future__ import annotations

import html
import warnings
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from optuna import Study
from optuna.trial import TrialState

from mnist_mlflow.search.objectives import goals

FEWEST = 2  # completed trials that say something together

# What Optuna calls them.
OF_A_GOAL = {
    "history": "plot_optimization_history",
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
    """PNG files by name; none before two trials are complete."""
    import matplotlib

    with matplotlib.rc_context({"backend": "agg", "figure.figsize": (9, 5)}):
        from matplotlib import pyplot
        from optuna.visualization import matplotlib as still

        found = {name: _png(drawn) for name, drawn in _draw(still, study, objective)}
        pyplot.close("all")
    return found


def _png(axes: Any) -> bytes:
    first = axes.flat[0] if hasattr(axes, "flat") else axes
    buffer = BytesIO()
    first.figure.savefig(buffer, format="png", bbox_inches="tight")
    return buffer.getvalue()


def page(study: Study, objective: str) -> str:
    """All pictures on one page of HTML that needs no network; empty before two trials are complete."""
    from optuna import visualization

    figures = [drawn for _, drawn in _draw(visualization, study, objective)]
    parts = [figure.to_html(full_html=False, include_plotlyjs=number == 0) for number, figure in enumerate(figures)]
    if not parts:
        return ""
    title = html.escape(study.study_name)
    head = f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
    return f"{head}<body><h1>{title}</h1>{''.join(parts)}</body></html>"


def _draw(library: Any, study: Study, objective: str) -> Iterator[tuple[str, Any]]:
    complete = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    if len(complete) < FEWEST or not any(trial.params for trial in complete):
        return
    for name, (function, options) in _to_be_drawn(study, objective).items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that matplotlib's pictures are experimental, or have no legend
            drawn = _try_to_draw(getattr(library, function), study, options)
        if drawn is not None:
            yield name, drawn


def _to_be_drawn(study: Study, objective: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Which functions of Optuna's to call, and how; of two goals the first is what most of them show."""
    names = goals(objective)
    of_one = {"target": lambda trial: trial.values[0]} if len(names) > 1 else {}
    drawn: dict[str, tuple[str, dict[str, Any]]] = {
        name: (function, {"target_name": names[0], **of_one}) for name, function in OF_A_GOAL.items()
    }
    if len(names) > 1:
        drawn["pareto_front"] = ("plot_pareto_front", {"target_names": names})
    if any(trial.intermediate_values for trial in study.get_trials(deepcopy=False)):
        drawn["intermediate_values"] = ("plot_intermediate_values", {})
    return drawn


def _try_to_draw(draw: Callable[..., Any], study: Study, options: dict[str, Any]) -> Any:
    """What Optuna draws, or None where the trials do not differ enough for it."""
    try:
        return draw(study, **options)
    except (ValueError, RuntimeError):
        return None
