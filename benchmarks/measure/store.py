"""A tracking store of the benchmark's own, filled by the entry points, and the ensemble of its models."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.process import data_folder, run_python, run_task
from benchmarks.targets import ACCURATE, ALGORITHMS, OTHER_VIEWS

if TYPE_CHECKING:
    from mlflow.entities import Run


@dataclass(frozen=True)
class Store:
    """A store in a folder, and how many images the runs in it learn from (0: all)."""

    folder: Path
    train_size: int

    @property
    def uri(self) -> str:
        """Its address."""
        return f"sqlite:///{self.folder}/mlflow.db"

    @property
    def environment(self) -> dict[str, str]:
        """What makes commands use this store, and keep features in it."""
        return {"MLFLOW_TRACKING_URI": self.uri, "XDG_CACHE_HOME": str(self.folder / "cache")}

    def type(self, *arguments: str) -> None:
        """Type a command of the package, with this store as the tracking store."""
        click.echo(f"in a store: {' '.join(arguments)}")
        environment = self.environment | {"MNIST_MLFLOW_DATA_DIR": data_folder()}
        run_python("-m", "mnist_mlflow", *arguments, **environment)

    def train(self, algorithm: str, *options: str) -> None:
        """Train an algorithm in a run of its own."""
        self.type(algorithm, "--data", "mnist", "--train_size", str(self.train_size), *options)

    def runs(self) -> list[Run]:
        """All runs, the oldest first."""
        from mlflow import MlflowClient  # as late as this: it takes a second, and memory

        found: list[Run] = MlflowClient(self.uri).search_runs(["0"], order_by=["start_time"])
        return found

    def models(self) -> dict[str, Run]:
        """The runs that left a model, by name."""
        return {_name(run): run for run in self.runs() if run.outputs and run.outputs.model_outputs}


def _name(run: Run) -> str:
    algorithm, params = run.data.tags["algorithm"], run.data.params
    return _accurate(params) if params.get("recipe") == "accurate" else algorithm


def _accurate(params: Mapping[str, Any]) -> str:
    if params.get("features") == "pixels":
        return f"{ACCURATE.name} on pixels, kernel {params['kernel_size']}"
    return f"{ACCURATE.name}, seed {params['seed']}"


def model_uri(run: Run) -> str:
    """Where MLflow loads a run's model from."""
    return f"models:/{run.outputs.model_outputs[0].model_id}"


def fill(store: Store) -> None:
    """A run of each algorithm."""
    for algorithm in ALGORITHMS:
        store.train(algorithm)


def measure_ensemble(store: Store) -> dict[str, Any]:
    """Train the accurate networks too, combine all models, and only then ask each about the test images."""
    for given in (*({**ACCURATE.given, "seed": seed} for seed in ACCURATE.seeds), *OTHER_VIEWS):
        if _accurate(given) not in store.models():  # where they have a row they have been trained
            store.train(ACCURATE.algorithm, *(f"--{name}={value}" for name, value in given.items()))
    store.type("ensemble", "--data", "mnist")
    models = store.models()
    tested = run_task("accuracies", store=store.uri, models={name: model_uri(run) for name, run in models.items()})
    weights = vote_weights(store, models["ensemble"].info.run_id)
    return {
        "models": {
            name: {**_figures(run), "test_accuracy": tested[name], "weight": weights.get(run.info.run_id)}
            for name, run in models.items()
        }
    }


def vote_weights(store: Store, ensemble: str) -> dict[str, float]:
    """The weight of each member's vote in a run that made an ensemble, by the member's run."""
    import pandas as pd
    from mlflow.artifacts import download_artifacts

    with tempfile.TemporaryDirectory() as folder:
        path = download_artifacts(run_id=ensemble, artifact_path="members.csv", dst_path=folder, tracking_uri=store.uri)
        members = pd.read_csv(path)
    return dict(zip(members["run"], members["weight"].astype(float), strict=True))


def _figures(run: Run) -> dict[str, float]:
    return {name: run.data.metrics[name] for name in ("val_accuracy", "val_ece", "fit_seconds")}
