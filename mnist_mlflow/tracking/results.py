"""What a run of training leaves behind: data sets, curves, metrics and a model, tied to one another."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.data.dataset import Dataset as MlflowDataset
from mlflow.entities import Metric
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from mnist_mlflow.algorithms.base import Classifier, pinned
from mnist_mlflow.data import Dataset
from mnist_mlflow.evaluation.plots import Curves
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.types import CLASSES, Labels, Part, Probabilities

DIGEST_LENGTH = 36  # what MLflow keeps of a data set's digest
EVERY_MODEL_NEEDS = ("mlflow", "numpy", "pandas", "scipy")
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
    training = describe(dataset.train, f"{dataset.name}-train", dataset.digest)
    validation = describe(dataset.validation, f"{dataset.name}-validation", dataset.split_digest)
    mlflow.log_input(training, context="training", tags={"images": str(len(dataset.train))})
    mlflow.log_input(validation, context="validation", tags={"images": str(len(dataset.validation))})
    return validation


def log_model(
    folder: Path, algorithm: str, params: Mapping[str, object], classifier: Classifier, tags: Mapping[str, str]
) -> str:
    """Log the model that `save_model` kept in a folder to the active run; returns its id.

    The package travels with it, so that it loads where this project is not installed. There is a signature for
    the output alone: one for the input would refuse every dtype and shape but its own.
    """
    package = Path(__file__).resolve().parents[1]
    with warnings.catch_warnings():
        # An input example would be taken for the one form of input that is accepted.
        warnings.filterwarnings("ignore", message=".*[Ii]nput example")
        logged = mlflow.pyfunc.log_model(
            name=algorithm,
            loader_module="mnist_mlflow.model",
            data_path=str(folder),
            code_paths=[str(package)],
            pip_requirements=pinned(EVERY_MODEL_NEEDS + classifier.requirements),
            signature=ModelSignature(outputs=_output_schema()),
            params=dict(params),
            tags=dict(tags),
            model_type=algorithm,
        )
    model_id: str = logged.model_id
    return model_id


def _output_schema() -> Schema:
    probabilities = [ColSpec(DataType.double, f"p{digit}") for digit in range(CLASSES)]
    return Schema([ColSpec(DataType.long, "digit"), ColSpec(DataType.double, "confidence"), *probabilities])


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
