"""What a run leaves behind beside its model: data sets, metrics, curves and pictures."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.data.dataset import Dataset as MlflowDataset
from mlflow.entities import Metric

from mnist_mlflow.data import Dataset
from mnist_mlflow.evaluation.plots import Curves
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.types import Labels, Part, Probabilities

DIGEST_LENGTH = 36  # what MLflow keeps of a data set's digest
PROBABILITIES = "validation_probabilities.npz"


def dataset_tags(dataset: Dataset) -> dict[str, str]:
    """The tags that tell what a run learned from and what it is scored on."""
    tags = {"dataset": dataset.name, "dataset_digest": dataset.digest, "split_digest": dataset.split_digest}
    return tags | ({"dataset_fallback": dataset.fallback} if dataset.fallback else {})


def describe(part: Part, name: str, digest: str) -> MlflowDataset:
    """A part as MLflow knows data sets, under a digest of ours: MLflow's own looks at 13 images."""
    return mlflow.data.from_numpy(part.images, targets=part.labels, name=name, digest=digest[:DIGEST_LENGTH])


def log_data(dataset: Dataset) -> MlflowDataset:
    """Log the training and the validation images as inputs of the active run; returns the latter."""
    validation = describe(dataset.validation, f"{dataset.name}-validation", dataset.split_digest)
    _log_input(describe(dataset.train, f"{dataset.name}-train", dataset.digest), "training", dataset.train)
    _log_input(validation, "validation", dataset.validation)
    return validation


def log_test(dataset: Dataset) -> MlflowDataset:
    """Log the test images as an input of the active run; returns them as MLflow knows them."""
    test = describe_test(dataset)
    _log_input(test, "test", dataset.test)
    return test


def _log_input(described: MlflowDataset, context: str, part: Part) -> None:
    mlflow.log_input(described, context=context, tags={"images": str(len(part))})


def describe_test(dataset: Dataset) -> MlflowDataset:
    """The test images as MLflow knows data sets."""
    return describe(dataset.test, f"{dataset.name}-test", dataset.split_digest)


def as_metrics(
    run: Run, metrics: Mapping[str, float], model_id: str | None, data: MlflowDataset, curves: Curves | None = None
) -> list[Metric]:
    """The metrics, tied to model and data set, and the points of the curves, ready for one request."""
    now = int(time.time() * 1000)
    tied: dict[str, Any] = {"model_id": model_id, "dataset_name": data.name, "dataset_digest": data.digest}
    finals = [Metric(key, value, now, 0, **tied, run_id=run.id) for key, value in metrics.items()]
    points = [
        Metric(key, value, now, step, run_id=run.id) for key, line in (curves or {}).items() for step, value in line
    ]
    return finals + points


@dataclass(frozen=True)
class Evaluation:
    """What the validation images say of a model, beyond the metrics."""

    labels: Labels
    probabilities: Probabilities
    pictures: Mapping[str, bytes]


def write_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Write the pictures, and the probabilities, with which models can be compared image by image later."""
    (folder / "plots").mkdir()
    for name, picture in evaluation.pictures.items():
        (folder / "plots" / f"{name}.png").write_bytes(picture)
    probabilities = evaluation.probabilities.astype(np.float32)
    np.savez_compressed(folder / PROBABILITIES, labels=evaluation.labels, probabilities=probabilities)
