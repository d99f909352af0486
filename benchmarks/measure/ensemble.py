"""The ensemble: all models of a store vote, and only then are the test images read."""

from typing import Any

from benchmarks.measure.store import Store
from benchmarks.process import run_task
from benchmarks.targets import ACCURATE, OTHER_VIEWS


def measure_ensemble(store: Store) -> dict[str, Any]:
    """Train the accurate networks too, combine all models, and score each on the test images."""
    store.fill()
    networks = (*({**ACCURATE.params, "seed": seed} for seed in ACCURATE.seeds), *OTHER_VIEWS)
    store.train_missing((ACCURATE.algorithm, params) for params in networks)  # those with a row are there already
    store.run("ensemble", "--data", "mnist")
    return {"models": run_task("models.tested", store=store.uri)}
