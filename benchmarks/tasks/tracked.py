"""Our side of a row in a tracked run, apart from rows.py: MLflow would take memory there."""

from typing import Any

import mlflow
import numpy as np

from benchmarks.process import peak_mb, timed
from benchmarks.targets import ROWS
from benchmarks.tasks.rows import load_peer
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import load_dataset
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.types import silent


def ours(row: str, store: str, seed: int = 0, train_size: int = 0) -> dict[str, Any]:
    """Learn as `rows.ours` does, but in a run of a store, and ask the model that it has logged."""
    load_peer(row)
    mlflow.set_tracking_uri(store)
    task = Task(ROWS[row].algorithm, ROWS[row].params, DataOptions("mnist", train_size=train_size, seed=seed))
    result, dataset = train(task, silent), load_dataset("mnist", 0, train_size)
    model = mlflow.pyfunc.load_model(f"models:/{result.model_id}")
    table, predict_seconds = timed(lambda: model.predict(dataset.test.images))
    return {
        "learned": len(dataset.train),
        "engine": mlflow.get_run(result.run_id).data.tags["engine"],
        "accuracy": float(np.mean(table["digit"] == dataset.test.labels)),
        "tested": len(dataset.test),
        "fit_seconds": result.metrics["fit_seconds"],
        "predict_seconds": predict_seconds,
        "peak_mb": peak_mb(),
        "model_mb": result.metrics["model_mb"],
    }
