"""Prediction: loading, asking and installing, today and before."""

from collections.abc import Callable

from benchmarks.report.compare import verdict
from benchmarks.report.tables import Cells, figure, table
from benchmarks.results import Results
from benchmarks.targets import ALGORITHMS, BATCHED_MS, ENSEMBLE_MS, INSTALL_SHARE, LOAD_SECONDS, MEMORY_MB, SINGLE_MS

SIDES = ("before", "today")
COLUMNS = (("load_seconds", "load s"), ("single_ms", "one ms"), ("batched_ms", "in 1,000: ms"))
SIZES = (("memory_mb", "memory MB"), ("model_mb", "size MB"))
TEXT = """Each model is asked through `mlflow.pyfunc` about raw pixels, by the code that travels with it, in fresh
processes by turns: medians of three. Loading begins after `import mlflow`. *Before* is the commit 46c5781, whose models
a store holds that `MNIST_MLFLOW_BEFORE_STORE` names.
"""


def prediction(results: Results) -> list[str]:
    """Two sections: what it takes to ask the models, and to install what they need."""
    models = results["models"]
    lines = ([name, *_figures(sides), _verdicts(name, sides["today"])] for name, sides in models.items())
    head = ["model", *(f"{title}: {side}" for _, title in (*COLUMNS, *SIZES) for side in SIDES), "reached"]
    return [table("Prediction", head, lines, TEXT), _installs(results["installs"])]


def _figures(sides: Results) -> Cells:
    return [figure(sides[side][key]) if side in sides else "" for key, _ in (*COLUMNS, *SIZES) for side in SIDES]


def _verdicts(name: str, today: Results) -> str:
    single = SINGLE_MS if name in ALGORITHMS else ENSEMBLE_MS
    goals: dict[str, Callable[[], bool]] = {
        "load": lambda: today["load_seconds"] <= LOAD_SECONDS,
        "one": lambda: today["single_ms"] <= single,
        "memory": lambda: today["memory_mb"] <= MEMORY_MB,
        "no TensorFlow": lambda: not today["imports_tensorflow"],
    }
    if name in ALGORITHMS:
        goals["thousand"] = lambda: today["batched_ms"] <= BATCHED_MS
    missed = [goal for goal, is_reached in goals.items() if not is_reached()]
    return verdict(not missed) + (f": {', '.join(missed)}" if missed else "")


def _installs(sides: Results) -> str:
    lines = [
        [side, names, figure(one["seconds"]), figure(one["mb"])]
        for side in SIDES
        for names, one in sides.get(side, {}).items()
    ]
    text = (
        f"An environment for a model, by uv from an empty cache; to reach: {INSTALL_SHARE:.0%} of a network's before."
    )
    return table("What a model needs", ("side", "models", "seconds", "MB"), lines, text)
