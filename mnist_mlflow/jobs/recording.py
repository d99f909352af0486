"""Recording a model that has learned in its run: metrics, curves, pictures, probabilities and the model itself."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from mnist_mlflow.algorithms.base import TrainedModel
from mnist_mlflow.data import Dataset
from mnist_mlflow.evaluation.metrics import prefixed, score
from mnist_mlflow.evaluation.plots import LearningCurves, pictures
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
class Lesson:
    """A model that has learned, the algorithm and the logged params that it learned with, and its curves."""

    algorithm: str
    params: dict[str, object]
    trained: TrainedModel
    curves: LearningCurves = field(default_factory=dict)


@dataclass(frozen=True)
class RunResult:
    """A run of training: its id, its model's, and the model's metrics on the validation images."""

    run_id: str
    model_id: str
    metrics: dict[str, float]
    resume_command: str = ""  # what to type where there are more hyperparameters to try


def record_data(run: Run, dataset: Dataset, about: str) -> LoggedData:
    """Say in a run what it learns from and what it is; returns the validation images as MLflow knows them."""
    run.set_tags(dataset_tags(dataset))
    run.describe(about)
    return log_data(run, dataset)


def record(run: Run, lesson: Lesson, dataset: Dataset, validation: LoggedData, progress: Progress) -> RunResult:
    """Ask the model about the validation images, and log its answers and itself.

    It gets raw images, as from any user: with the cached features it would seem faster than it is.
    """
    trained = lesson.trained
    started = time.perf_counter()
    probabilities = trained.model.predict_proba(dataset.validation.images, progress)
    seconds = time.perf_counter() - started
    metrics = prefixed("val", score(dataset.validation.labels, probabilities))
    metrics["fit_seconds"] = trained.seconds
    metrics["predict_ms_per_image"] = 1000 * seconds / len(dataset.validation)
    _record_files(run, lesson, dataset, probabilities)
    model_id, metrics["model_mb"] = _record_model(run, lesson, dataset)
    run.set_tags({"engine": trained.engine})
    metrics["tracking_seconds"] = run.tracking_seconds
    run.log_metrics(as_metrics(run, metrics, model_id, validation, lesson.curves))
    return RunResult(run.id, model_id, metrics)


def _record_files(run: Run, lesson: Lesson, dataset: Dataset, probabilities: Probabilities) -> None:
    """Log the pictures, and the probabilities with which models can be compared and combined image by image."""
    title = f"{lesson.algorithm}, {len(dataset.validation):,} validation images"
    drawings = pictures(dataset.validation, probabilities, lesson.curves, title)
    with run.files() as folder:
        write_pictures(folder, drawings)
        write_probabilities(folder, "validation", dataset.validation.labels, probabilities)
        write_probabilities(folder, "tuning", dataset.tuning.labels, lesson.trained.tuning_probabilities)


def _record_model(run: Run, lesson: Lesson, dataset: Dataset) -> tuple[str, float]:
    """Log the model; returns its id, and its size in megabytes."""
    tags = {
        "algorithm": lesson.algorithm,
        "engine": lesson.trained.engine,
        "split_seed": str(lesson.params["split_seed"]),
        **dataset_tags(dataset),
    }
    return log_model(run, lesson.trained.model, lesson.algorithm, lesson.params, tags)
