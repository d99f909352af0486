"""The models that runs of a store have logged: their names, accuracies, votes and answers."""

import tempfile
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Run

from benchmarks.targets import name_run
from mnist_mlflow.data.mnist import load_mnist
from mnist_mlflow.tracking.queries import experiment_ids
from mnist_mlflow.types import silent

BATCH = 1_000


def logged(store: str) -> dict[str, dict[str, Any]]:
    """The models of a store, the oldest first: by name the run, the model's address, and the run's metrics."""
    return {
        name: {"run": run.info.run_id, "model": _model_uri(run), "metrics": run.data.metrics}
        for name, run in _runs_with_models(store).items()
    }


def _runs_with_models(store: str) -> dict[str, Run]:
    client = mlflow.MlflowClient(store)
    runs = client.search_runs(experiment_ids(client, ""), order_by=["start_time"])
    with_model = [run for run in runs if run.outputs and run.outputs.model_outputs]
    return {name_run(run.data.tags["algorithm"], run.data.params): run for run in with_model}


def _model_uri(run: Run) -> str:
    return f"models:/{run.outputs.model_outputs[0].model_id}"


def tested(store: str) -> dict[str, dict[str, float | None]]:
    """The figures of each model, with its accuracy on the test images and its weight in the vote."""
    mlflow.set_tracking_uri(store)
    test, runs = load_mnist(silent)[1], _runs_with_models(store)
    weights = _vote_weights(runs["ensemble"])
    figures: dict[str, dict[str, float | None]] = {}
    for name, run in runs.items():
        digits = mlflow.pyfunc.load_model(_model_uri(run)).predict(test.images)["digit"]
        figures[name] = {key: run.data.metrics[key] for key in ("val_accuracy", "val_ece", "fit_seconds")}
        figures[name] |= {
            "test_accuracy": float(np.mean(digits == test.labels)),
            "weight": weights.get(run.info.run_id),
        }
    return figures


def _vote_weights(ensemble: Run) -> dict[str, float]:
    """The weight of each member's vote, by the member's run."""
    with tempfile.TemporaryDirectory() as folder:
        path = mlflow.artifacts.download_artifacts(f"{ensemble.info.artifact_uri}/members.csv", dst_path=folder)
        members = pd.read_csv(path)
    return dict(zip(members["run"], members["weight"].astype(float), strict=True))


def save_images(path: str) -> None:
    """Write a thousand training images (1000, 28, 28), which programs outside this project read."""
    np.save(path, load_mnist(silent)[0].images[:BATCH])


def fetched(store: str) -> dict[str, str]:
    """The folders of a store's models, by name."""
    mlflow.set_tracking_uri(store)
    return {
        name: mlflow.artifacts.download_artifacts(_model_uri(run)) for name, run in _runs_with_models(store).items()
    }
