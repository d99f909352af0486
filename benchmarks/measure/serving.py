"""Servers under load: how fast they answer, and in how much memory."""

from typing import Any

import click

from benchmarks.measure.store import Store
from benchmarks.process import run_task

SERVED = "mlp"
SERVERS = ("mlflow", "serve")
SECONDS = 20  # of each load


def measure_serving(store: Store) -> dict[str, Any]:
    """Figures of MLflow's server and of `serve`, which answer with the same model."""
    if SERVED not in store.models():
        store.train_missing([(SERVED, {})])
    model = store.models()[SERVED]["model"]
    click.echo("serving")
    task = {"store": store.uri, "model": model, "seconds": SECONDS}
    return {"model": SERVED, **{server: run_task("load.load", server=server, **task) for server in SERVERS}}
