"""Recording a model that has learned in its run: metrics, curves, pictures, probabilities and the model itself."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mnist_mlflow.algorithms.base import TrainedModel
from mnist_mlflow.data import Dataset, Source, in_words
from mnist_mlflow.evaluation.metrics import prefixed, score
from mnist_mlflow.evaluation.plots import LearningCurves, pictures
from mnist_mlflow.evaluation.selective import selective
from mnist_mlflow.jobs.versions import STARTER
from mnist_mlflow.model.readings import Readings
from mnist_mlflow.tracking.candidates import PARTIAL
from mnist_mlflow.tracking.datasets import dataset_tags
from mnist_mlflow.tracking.models import pinned_requirements, save_model
from mnist_mlflow.tracking.parcels import ARTIFACTS, CODE, MODEL, Contents, close_parcel, packing
from mnist_mlflow.tracking.results import (
    SKIPPED,
    DataKey,
    LoggedData,
    log_data,
    write_pictures,
    write_probabilities,
    write_skipped,
)
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.tracking.sending import send
from mnist_mlflow.tracking.travelling import copy_code
from mnist_mlflow.types import Progress

_logger = logging.getLogger(__name__)
SHOWN = 3  # pictures that are left out
LEARNED = "learned"  # the folder of artifacts from which a library could go on learning


@dataclass(frozen=True)
class TrainingRecord:
    """A model that has learned, with its algorithm, its logged params, its curves, and what continues its search.

    `moments` are the times of the steps of the curves, in milliseconds since the epoch. `tags` and `files` are more of
    them for its run, `model_tags` for its model. `stopped_by` is the interruption that ended the learning early.
    """

    algorithm: str
    params: dict[str, object]
    trained: TrainedModel
    curves: LearningCurves = field(default_factory=dict)
    moments: dict[int, int] = field(default_factory=dict)
    resume_command: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    model_tags: dict[str, str] = field(default_factory=dict)
    stopped_by: str = ""

    @property
    def logged_params(self) -> dict[str, str]:
        """The params as its run has them: text."""
        return {name: str(value) for name, value in self.params.items()}


@dataclass(frozen=True)
class RunResult:
    """A run of training: its id, its model's, the model's metrics on the validation images, and the run's params."""

    run_id: str
    model_id: str
    metrics: Mapping[str, float]
    params: Mapping[str, str] = field(default_factory=dict)
    resume_command: str = ""  # what to type where there are more hyperparameters to try
    is_reused: bool = False  # it was there, and nothing was trained

    @property
    def model_uri(self) -> str:
        """The URI that MLflow loads the model from."""
        return f"models:/{self.model_id}"


def record_data(run: Run, dataset: Dataset, about: str) -> LoggedData:
    """Say in a run what it learns from and what it is; returns the validation images as MLflow knows them."""
    run.describe(about, dataset_tags(dataset))
    record_skipped(run, dataset)
    return log_data(run, dataset)


def record_skipped(run: Run, data: Dataset | Source) -> None:
    """Log which pictures of somebody's own data set are left out, and say so, unless the starter of this has."""
    if not data.skipped:
        return
    with run.files() as folder:
        write_skipped(folder, data.skipped)
    if STARTER not in os.environ:
        listed = "\n".join(f"{file}: {reason}" for file, reason in data.skipped[:SHOWN])
        more = "\n…" if len(data.skipped) > SHOWN else ""
        left_out = data.name, len(data.skipped), SKIPPED, run.id
        _logger.warning("Left out of %s: %d, which %s of run %s lists.\n%s%s", *left_out, listed, more)


def record(
    run: Run, training: TrainingRecord, dataset: Dataset, validation: LoggedData, progress: Progress
) -> RunResult:
    """Ask the model about the validation images, log its answers and itself, and end the run.

    It gets raw images, as from any user: with the cached features it would seem faster than it is. All is in a local
    folder before the first byte is sent, and not lost where the store is gone. Raises UserFacingError where another
    process has closed the run.
    """
    trained = training.trained
    started = time.perf_counter()
    readings = trained.model.read(dataset.validation.images, progress=progress)
    seconds = time.perf_counter() - started
    probabilities = readings.probabilities
    correct = probabilities.argmax(axis=1) == dataset.validation.labels
    scores = score(dataset.validation.labels, probabilities) | selective(correct, readings.sure)
    metrics = prefixed("val", scores)
    metrics["fit_seconds"] = _rounded(trained.seconds)
    metrics["predict_ms_per_image"] = _rounded(1000 * seconds / len(dataset.validation))
    run.check_open()
    drawings = pictures(dataset.validation, readings, training.curves, training.algorithm, in_words(dataset.name))
    with run.tracking(), packing(run.id) as folder:
        write_pictures(folder / ARTIFACTS, drawings)
        _write_files(folder / ARTIFACTS, training, dataset, readings)
        copy_code(folder / CODE)
        metrics["model_mb"] = save_model(trained.model, folder / MODEL)
        key = DataKey(validation.name, validation.digest)
        parcel = close_parcel(folder, _contents(run, training, dataset, metrics, key))
    model_id = send(run, parcel)
    metrics["tracking_seconds"] = run.tracking_seconds
    return RunResult(run.id, model_id, metrics, training.logged_params, training.resume_command)


def _rounded(measured: float) -> float:
    """A measured time in the four digits that mean something."""
    return float(f"{measured:.4g}")


def _contents(
    run: Run, training: TrainingRecord, dataset: Dataset, metrics: dict[str, float], data: DataKey
) -> Contents:
    partial = {PARTIAL: "1"} if training.stopped_by else {}
    about = {"algorithm": training.algorithm, "split_seed": str(training.params["split_seed"]), **dataset_tags(dataset)}
    engine = {"engine": training.trained.engine}
    return Contents(
        run.id,
        training.algorithm,
        params=training.logged_params,
        tags=engine | training.tags | partial | ({"failure": training.stopped_by} if training.stopped_by else {}),
        model_tags=engine | about | training.model_tags | partial,
        metrics=metrics,
        data=data,
        requirements=pinned_requirements(training.trained.model),
        curves=training.curves,
        moments=training.moments,
        status="KILLED" if training.stopped_by else "FINISHED",
    )


def _write_files(folder: Path, training: TrainingRecord, dataset: Dataset, readings: Readings) -> None:
    """Write the probabilities, with which models can be compared and combined image by image, and further files."""
    write_probabilities(folder, "validation", dataset.validation.labels, readings.probabilities, readings.promised)
    write_probabilities(folder, "tuning", dataset.tuning.labels, training.trained.tuning_probabilities)
    for name, content in training.files.items():
        (folder / name).write_bytes(content)
    for name, content in training.trained.model.scorer.learned.items():
        (folder / LEARNED).mkdir(exist_ok=True)
        (folder / LEARNED / name).write_bytes(content)
