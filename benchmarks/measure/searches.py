"""Searches: pruned against unpruned ones, and what they gain over the defaults."""

from typing import Any

import click

from benchmarks.measure.store import Store
from benchmarks.process import run_task

BUDGETS = {"svm": 60, "cnn": 420}  # seconds that each side has
SEEDS = (0, 1, 2)
TRIALS = 30
SHORT = 5  # seconds, where all that is wanted is to see whether it works


def measure_searches(store: Store) -> dict[str, Any]:
    """Pruned and unpruned searches by turns, and whole searches against the defaults."""
    apart = Store(store.folder / "searches", store.train_size)  # with no runs but these
    apart.folder.mkdir()
    raced = [_race(algorithm, seed, prune, apart) for algorithm in BUDGETS for seed in SEEDS for prune in (True, False)]
    return {"raced": raced, "gained": [_gain(apart, algorithm) for algorithm in BUDGETS]}


def _race(algorithm: str, seed: int, prune: bool, store: Store) -> dict[str, Any]:
    seconds = SHORT if store.train_size else BUDGETS[algorithm]
    options = {"algorithm": algorithm, "seed": seed, "prune": prune, "seconds": seconds}
    record: dict[str, Any] = run_task("searches.race", train_size=store.train_size, **options)
    side = "pruned" if prune else "unpruned"
    click.echo(f"search, {algorithm}, seed {seed}, {side}: {record['trials']} trials, best {record['best']}")
    return record


def _gain(store: Store, algorithm: str) -> dict[str, Any]:
    """Train with the defaults and with a search, then compare both on the validation images."""
    store.train(algorithm)
    store.train(algorithm, f"--trials={TRIALS}")
    return {"algorithm": algorithm, **run_task("searches.gained", store=store.uri, algorithm=algorithm)}
