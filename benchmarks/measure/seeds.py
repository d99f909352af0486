"""Groups of seeds: how often the test between two of them errs, and how often it finds a difference."""

from typing import Any

import click

from benchmarks.measure.store import Store
from benchmarks.process import run_task

SIMULATIONS = 2_000  # of each setting: some two minutes


def measure_seeds(store: Store) -> dict[str, Any]:
    """Rates of being told apart, of equal and of unequal configurations."""
    click.echo("seeds")
    rates: dict[str, Any] = run_task("seeds.simulate", simulations=5 if store.train_size else SIMULATIONS)
    return rates
