"""Selection: its error rates where the truth is known, and its time to rank a large store."""

import tempfile
from typing import Any

import click

from benchmarks.measure.postgresql import is_installed, postgresql
from benchmarks.measure.store import Store
from benchmarks.process import run_task

RUNS, MODELS = 10_000, 2_000
SIMULATIONS = 1_000


def measure_selecting(store: Store) -> dict[str, Any]:
    """Rates of being called better, and seconds to rank a store in SQLite and in PostgreSQL, small and large."""
    click.echo("selecting")
    rates = run_task("selecting.simulated_rates", simulations=20 if store.train_size else SIMULATIONS)
    shrink = 10 if store.train_size else 1
    ranked = [_rank("SQLite", size) for size in ((RUNS // 10, MODELS // 10), (RUNS // shrink, MODELS // shrink))]
    if is_installed():
        with postgresql() as address:
            ranked.append(_rank("PostgreSQL", (RUNS // shrink, MODELS // shrink), address))
    return {"rates": rates, "ranked": ranked}


def _rank(kind: str, size: tuple[int, int], address: str | None = None) -> dict[str, Any]:
    runs, models = size
    with tempfile.TemporaryDirectory() as folder:
        uri = address or f"sqlite:///{folder}/mlflow.db"
        run_task("big_store.fill", store=uri, folder=folder, runs=runs, models=models)
        return {"store": kind, "runs": runs, "models": models, **run_task("selecting.rank_store", store=uri)}
