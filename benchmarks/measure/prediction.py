"""Prediction: what it takes to load each model, to ask it, and to install what it needs, today and before."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import click

from benchmarks.measure.store import Store
from benchmarks.process import MB, ROOT, run_python, run_task, timed
from benchmarks.targets import ALGORITHMS, MEMBERS

BEFORE = "MNIST_MLFLOW_BEFORE_STORE"  # a store that an earlier commit filled with the same models
PROGRAM = str(ROOT / "benchmarks" / "tasks" / "answering.py")
ROUNDS = 3
MODELS = (*ALGORITHMS, "ensemble")


def measure_prediction(store: Store) -> dict[str, Any]:
    """The figures of each model of the store, and of an earlier commit's where a variable names one, by turns."""
    store.fill()
    if "ensemble" not in store.models():
        store.run("ensemble", "--data", "mnist", "--members", str(MEMBERS))
    click.echo("prediction")
    sides = {"today": store.uri} | ({"before": os.environ[BEFORE]} if BEFORE in os.environ else {})
    with tempfile.TemporaryDirectory() as parent:
        images = Path(parent) / "images.npy"
        run_task("models.save_images", path=str(images))
        folders = {side: run_task("models.fetched", store=uri) for side, uri in sides.items()}
        rounds = [
            {name: {side: answers(folders[side][name], images) for side in sides} for name in MODELS}
            for _ in range(ROUNDS)
        ]
        return {
            "models": {
                name: {side: _typical([one[name][side] for one in rounds]) for side in sides} for name in MODELS
            },
            "installs": {side: installs(folders[side]) for side in sides},
        }


def answers(folder: str, images: Path) -> dict[str, float]:
    """The figures of a logged model in a fresh process, and the size of its files."""
    figures: dict[str, float] = json.loads(run_python("-P", PROGRAM, folder, str(images)).splitlines()[-1])
    files = [path for path in (Path(folder) / "data").rglob("*") if path.is_file()]
    return figures | {"model_mb": sum(path.stat().st_size for path in files) / MB}


def _typical(records: list[dict[str, float]]) -> dict[str, float]:
    return {key: median(record[key] for record in records) for key in records[0]}


def installs(folders: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Seconds and megabytes of an environment, by what models need; nothing without uv or an index of packages."""
    needed: dict[str, list[str]] = {}
    for name, folder in folders.items():
        needed.setdefault((Path(folder) / "requirements.txt").read_text(encoding="utf-8"), []).append(name)
    if shutil.which("uv") is None:
        return {}
    return {", ".join(names): _install(requirements) for requirements, names in needed.items()}


def _install(requirements: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as parent:
        file, environment = Path(parent) / "requirements.txt", Path(parent) / "environment"
        file.write_text(requirements, encoding="utf-8")
        subprocess.run(["uv", "venv", "--quiet", str(environment)], check=True)
        command = ["uv", "pip", "install", "--quiet", "--no-cache", "--python", str(environment), "-r", str(file)]
        seconds = timed(lambda: subprocess.run(command, check=True))[1]
        size = sum(path.stat().st_size for path in environment.rglob("*") if path.is_file() and not path.is_symlink())
        return {"seconds": seconds, "mb": size / MB}
