"""What a run keeps of a classifier that has learned: metrics, curves, pictures, probabilities and the model."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mnist_mlflow.algorithms.base import Classifier
from mnist_mlflow.data import Dataset
from mnist_mlflow.evaluation.metrics import prefixed, score
from mnist_mlflow.evaluation.plots import Curves, pictures
from mnist_mlflow.tracking.models import log_model
from mnist_mlflow.tracking.results import (
    LoggedData,
    as_metrics,
    dataset_tags,
    log_data,
    write_pictures,
    write_probabilities,
)
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.types import Probabilities, Progress


@dataclass(frozen=True)
class Fitted:
    """A classifier that has learned, and how that went."""

    classifier: Classifier
    seconds: float
    curves: Curves = field(default_factory=dict)


@dataclass(frozen=True)
class Learned:
    """What is to be recorded: under which name, learned with which parameters, and how the model is kept."""

    algorithm: str
    fitted: Fitted
    params: dict[str, object]
    save: Callable[[Path], None]


@dataclass(frozen=True)
class RunResult:
    """Where the run is, and how well its model does on the validation images."""

    run_id: str
    model_id: str
    metrics: dict[str, float]
    resume_command: str = ""  # what to type where there are more hyperparameters to try


def record_data(run: Run, dataset: Dataset, about: str) -> LoggedData:
    """Say in a run what it learns from and what it is; returns the validation images as MLflow knows them."""
    with run.tracking():
        run.set_tags(dataset_tags(dataset))
        run.describe(about)
        return log_data(dataset)


def record(run: Run, learned: Learned, dataset: Dataset, validation: LoggedData, progress: Progress) -> RunResult:
    """Ask the classifier about the validation images and log all that came out.

    It is asked as whoever loads the model will ask it, with raw images: the features that are kept from run to run
    would make it seem faster than it is.
    """
    classifier = learned.fitted.classifier
    started = time.perf_counter()
    probabilities = classifier.predict_proba(dataset.validation.images, progress)
    seconds = time.perf_counter() - started
    metrics = prefixed("val", score(dataset.validation.labels, probabilities))
    metrics["fit_seconds"] = learned.fitted.seconds
    metrics["predict_ms_per_image"] = 1000 * seconds / len(dataset.validation)
    _record_files(run, learned, dataset, probabilities)
    with run.tracking():
        model_id, metrics["model_mb"] = _record_model(learned, dataset)
        run.set_tags({"engine": classifier.engine})
    metrics["tracking_seconds"] = run.tracking_seconds
    run.log_metrics(as_metrics(run, metrics, model_id, validation, learned.fitted.curves))
    return RunResult(run.id, model_id, metrics)


def _record_files(run: Run, learned: Learned, dataset: Dataset, probabilities: Probabilities) -> None:
    """Log the pictures, and the probabilities with which models can be compared and combined image by image."""
    title = f"{learned.algorithm}, {len(dataset.validation):,} validation images"
    drawn = pictures(dataset.validation, probabilities, learned.fitted.curves, title)
    tuning = learned.fitted.classifier.tuning_probabilities
    with run.tracking(), run.files() as folder:
        write_pictures(folder, drawn)
        write_probabilities(folder, "validation", dataset.validation.labels, probabilities)
        write_probabilities(folder, "tuning", dataset.tuning.labels, tuning)


def _record_model(learned: Learned, dataset: Dataset) -> tuple[str, float]:
    classifier = learned.fitted.classifier
    tags = {
        "algorithm": learned.algorithm,
        "engine": classifier.engine,
        "split_seed": str(learned.params["split_seed"]),
    }
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "digit_model"
        learned.save(folder)
        megabytes = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
        tags |= dataset_tags(dataset)
        return log_model(folder, learned.algorithm, learned.params, classifier.requirements, tags), megabytes
