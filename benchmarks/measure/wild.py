"""Other people's digits: what each model makes of them, and what the program of tutorials does."""

import os
from pathlib import Path
from typing import Any

import click

from benchmarks.measure.store import Store
from benchmarks.process import run_task
from benchmarks.targets import ACCURATE, ALGORITHMS, name_run

FOLDER = "MNIST_MLFLOW_WILD_DIR"
NETWORK = {**ACCURATE.params, "seed": ACCURATE.seeds[0]}
MODELS = (*ALGORITHMS, name_run(ACCURATE.algorithm, NETWORK), "ensemble")


def measure_wild(store: Store) -> dict[str, Any]:
    """Figures of each model of the store, the peer, and the time of the canonical digit."""
    store.fill()
    store.train_missing([(ACCURATE.algorithm, NETWORK)])
    if "ensemble" not in store.models():
        store.run("ensemble", "--data", "mnist")
    models = store.models()
    click.echo("wild")
    return {
        "models": {name: run_task("wild.read", store=store.uri, model=models[name]["model"]) for name in MODELS},
        "peer": run_task("wild.peer", train_size=store.train_size),
        "canonical": run_task("wild.canonical_ms"),
    }


def lacking_folder() -> str:
    """The remedy where the folder is not named or not there; empty where it is."""
    folder = os.environ.get(FOLDER, "")
    if (Path(folder) / "own" / "labels.csv").is_file():
        return ""
    return (
        f"{FOLDER}={folder!r} holds no digits of other people; accepted: a folder with own/labels.csv, usps.npz, "
        "semeion.npz, sudoku.npz and letters.npz."
    )
