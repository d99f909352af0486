"""Recording a model that has learned in its run: metrics, curves, pictures, probabilities and the model itself."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from mnist_mlflow.algorithms.base import TrainedModel
from mnist_mlflow.data import Dataset
from mnist_mlflow.evaluation.metrics import prefixed, score
from mnist_mlflow.evaluation.plots import LearningCurves, pictures
from mnist_mlflow.tracking.candidates import PARTIAL
from mnist_mlflow.tracking.models import copy_code, pinned_requirements, save_model
from mnist_mlflow.tracking.parcels import ARTIFACTS, CODE, MODEL, Contents, close_parcel, packing
from mnist_mlflow.tracking.results import (
    DataKey,
    LoggedData,
    dataset_tags,
    log_data,
    write_pictures,
    write_probabilities,
)
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.tracking.sending import send
from mnist_mlflow.types import Probabilities, Progress


@dataclass(frozen=True)
class Lesson:
    """A model that has learned, the algorithm and the logged params that it learned with, and its curves.

    `tags` and `files` are more of them for its run; `stopped_by` is the interruption that ended the learning early.
    """

    algorithm: str
    params: dict[str, object]
    trained: TrainedModel
    curves: LearningCurves = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    stopped_by: str = ""


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
    """Ask the model about the validation images, log its answers and itself, and end the run.

    It gets raw images, as from any user: with the cached features it would seem faster than it is. All is in a local
    folder before the first byte is sent, and not lost where the store is gone.
    """
    trained = lesson.trained
    started = time.perf_counter()
    probabilities = trained.model.predict_proba(dataset.validation.images, progress)
    seconds = time.perf_counter() - started
    metrics = prefixed("val", score(dataset.validation.labels, probabilities))
    metrics["fit_seconds"] = trained.seconds
    metrics["predict_ms_per_image"] = 1000 * seconds / len(dataset.validation)
    title = f"{lesson.algorithm}, {len(dataset.validation):,} validation images"
    drawings = pictures(dataset.validation, probabilities, lesson.curves, title)
    with run.tracking(), packing(run.id) as folder:
        write_pictures(folder / ARTIFACTS, drawings)
        _write_files(folder / ARTIFACTS, lesson, dataset, probabilities)
        copy_code(folder / CODE)
        metrics["model_mb"] = save_model(trained.model, folder / MODEL)
        key = DataKey(validation.name, validation.digest)
        parcel = close_parcel(folder, _contents(run, lesson, dataset, metrics, key))
    model_id = send(run, parcel)
    return RunResult(run.id, model_id, metrics | {"tracking_seconds": run.tracking_seconds})


def _contents(run: Run, lesson: Lesson, dataset: Dataset, metrics: dict[str, float], data: DataKey) -> Contents:
    partial = {PARTIAL: "1"} if lesson.stopped_by else {}
    about = {"algorithm": lesson.algorithm, "split_seed": str(lesson.params["split_seed"]), **dataset_tags(dataset)}
    engine = {"engine": lesson.trained.engine}
    return Contents(
        run.id,
        lesson.algorithm,
        params={name: str(value) for name, value in lesson.params.items()},
        tags=engine | lesson.tags | partial | ({"failure": lesson.stopped_by} if lesson.stopped_by else {}),
        model_tags=engine | about | partial,
        metrics=metrics,
        data=data,
        requirements=pinned_requirements(lesson.trained.model),
        curves=lesson.curves,
        status="KILLED" if lesson.stopped_by else "FINISHED",
    )


def _write_files(folder: Path, lesson: Lesson, dataset: Dataset, probabilities: Probabilities) -> None:
    """Write the probabilities, with which models can be compared and combined image by image, and further files."""
    write_probabilities(folder, "validation", dataset.validation.labels, probabilities)
    write_probabilities(folder, "tuning", dataset.tuning.labels, lesson.trained.tuning_probabilities)
    for name, content in lesson.files.items():
        (folder / name).write_bytes(content)
