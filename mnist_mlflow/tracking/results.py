"""The record of a run beside its model: data sets, metrics, curves, pictures and probabilities."""

from __future__ import annotations

import csv
import io
import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import mlflow
import numpy as np
import numpy.typing as npt
from mlflow.data.dataset import Dataset as MlflowDataset
from mlflow.entities import Metric

from mnist_mlflow.data import Dataset, Source
from mnist_mlflow.data.own.collection import Skipped
from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.evaluation.plots import LearningCurves
from mnist_mlflow.tracking.artifacts import fetch_file
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.types import CLASSES, Labels, Part, Probabilities

LoggedData: TypeAlias = MlflowDataset  # a part of a data set as MLflow knows it

DIGEST_LENGTH = 36  # what MLflow keeps of a data set's digest
SKIPPED = "skipped.csv"
PROBABILITIES = "{part}_probabilities.npz"
ACCURACY_TOLERANCE = 1e-6

Promised: TypeAlias = npt.NDArray[np.floating]
NONE_PROMISED: Promised = np.empty(0)


class DataKey(NamedTuple):
    """The name and the digest by which MLflow ties metrics to a part of a data set."""

    name: str
    digest: str


def describe(part: Part, name: str, digest: str) -> LoggedData:
    """A part as MLflow knows data sets, under a digest of ours: MLflow's own looks at 13 images."""
    return mlflow.data.from_numpy(part.images, targets=part.labels, name=name, digest=digest[:DIGEST_LENGTH])


def log_data(run: Run, dataset: Dataset) -> LoggedData:
    """Log the training and the validation images as inputs of a run, the active one; returns the latter."""
    with run.tracking():
        train = describe(dataset.train, f"{dataset.name}-train", dataset.added_digest or dataset.digest)
        validation = describe_validation(dataset)
        _log_inputs({"training": (train, dataset.train), "validation": (validation, dataset.validation)})
        return validation


def log_test(dataset: Dataset) -> LoggedData:
    """Log the test images as an input of the active run; returns them as MLflow knows them."""
    test = describe_test(dataset)
    _log_inputs({"test": (test, dataset.test)})
    return test


def log_validation(dataset: Dataset) -> LoggedData:
    """Log the validation images as an input of the active run; returns them as MLflow knows them."""
    validation = describe_validation(dataset)
    _log_inputs({"validation": (validation, dataset.validation)})
    return validation


def log_examined(source: Source, part: Part) -> LoggedData:
    """Log images of somebody's own data set as an input of the active run; returns them as MLflow knows them."""
    examined = describe(part, source.name, source.digest)
    _log_inputs({"examination": (examined, part)})
    return examined


def _log_inputs(parts: Mapping[str, tuple[MlflowDataset, Part]]) -> None:
    """Log parts of a data set by what they are used for, in one request."""
    tags = [{"images": str(len(part))} for _, part in parts.values()]
    mlflow.log_inputs([described for described, _ in parts.values()], list(parts), tags)


def describe_test(dataset: Dataset) -> LoggedData:
    """The test images as MLflow knows data sets."""
    return describe(dataset.test, f"{dataset.name}-test", dataset.split_digest)


def describe_validation(dataset: Dataset) -> LoggedData:
    """The validation images as MLflow knows data sets."""
    return describe(dataset.validation, f"{dataset.name}-validation", dataset.split_digest)


def as_metrics(
    run: Run,
    metrics: Mapping[str, float],
    model_id: str | None,
    data: DataKey | LoggedData | None,
    time_ms: int | None = None,
) -> list[Metric]:
    """The metrics, tied to the model and data set that there are, for one request."""
    now = time_ms or int(time.time() * 1000)
    tied: dict[str, Any] = {"model_id": model_id}
    tied |= {"dataset_name": data.name, "dataset_digest": data.digest} if data else {}
    return [Metric(key, value, now, 0, **tied, run_id=run.id) for key, value in metrics.items()]


def as_points(run: Run, curves: LearningCurves, moments: Mapping[int, int]) -> list[Metric]:
    """The points of curves, with the moment of each step: epochs and rounds compare by the seconds they took."""
    return [
        Metric(key, value, moments[step], step, run_id=run.id) for key, line in curves.items() for step, value in line
    ]


def write_pictures(folder: Path, pictures: Mapping[str, bytes]) -> None:
    """Write pictures where the MLflow UI shows them together."""
    (folder / "plots").mkdir()
    for name, picture in pictures.items():
        (folder / "plots" / f"{name}.png").write_bytes(picture)


def write_skipped(folder: Path, skipped: Sequence[Skipped]) -> None:
    """Write which pictures of somebody's own data set are left out, and why."""
    with (folder / SKIPPED).open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        csv.writer(file).writerows([Skipped._fields, *skipped])


class KeptAnswers(NamedTuple):
    """The labels (n,) of a part's images, the probabilities (n, 10), and the errors that are promised for the answers.

    The latter are (n,), or (0,) where a run has kept none.
    """

    labels: Labels
    probabilities: Probabilities
    promised: Promised = NONE_PROMISED


def write_probabilities(
    folder: Path, part: str, labels: Labels, probabilities: Probabilities, promised: Promised = NONE_PROMISED
) -> None:
    """Write the probabilities (n, 10) of a part's images, with their labels, and the errors that are promised."""
    path = folder / PROBABILITIES.format(part=part)
    shares, errors = probabilities.astype(np.float32), promised.astype(np.float32)
    np.savez_compressed(path, labels=labels, probabilities=shares, promised=errors)


def read_probabilities(artifacts: str, part: str, labels: Labels) -> Probabilities:
    """The probabilities (n, 10) that a run has kept of the part with these labels; raises UserFacingError for none."""
    answers = read_kept(artifacts, part)
    if not np.array_equal(answers.labels, labels):
        raise UserFacingError(f"its {PROBABILITIES.format(part=part)} is about other images")
    return answers.probabilities


def read_kept(artifacts: str, part: str) -> KeptAnswers:
    """The answers about a part that a run has kept; raises UserFacingError for none."""
    path = PROBABILITIES.format(part=part)
    content = read_file(artifacts, path)
    try:
        arrays = np.load(io.BytesIO(content))
        labels, probabilities = np.atleast_1d(arrays["labels"]), arrays["probabilities"].astype(np.float64)
        promised = arrays.get("promised", NONE_PROMISED)
    except Exception as error:
        # A file of a user may raise anything when it is read.
        raise UserFacingError(f"the run has no {path} that can be read: {one_line(error)}") from error
    if probabilities.shape != (len(labels), CLASSES):
        raise UserFacingError(f"its {path} has the wrong shape: {probabilities.shape} for {len(labels)} labels")
    if not np.isfinite(probabilities).all() or not np.isin(labels, range(CLASSES)).all():
        raise UserFacingError(f"its {path} has numbers that are no probabilities, or no labels")
    if promised.shape not in ((0,), (len(labels),)) or promised.dtype.kind != "f":
        raise UserFacingError(f"its {path} promises errors of another form: {promised.dtype} {promised.shape}")
    return KeptAnswers(labels, probabilities, promised)


def check_accuracy(accuracy: float, logged: Mapping[str, float]) -> None:
    """Raise UserFacingError where stored probabilities have another accuracy than the metrics that were logged."""
    if not abs(accuracy - logged.get("val_accuracy", math.nan)) <= ACCURACY_TOLERANCE:
        raise UserFacingError(f"its probabilities have another accuracy ({accuracy:.4f}) than was logged")


def read_file(artifacts: str, path: str) -> bytes:
    """A file of a run, from where its artifacts are; raises UserFacingError where it cannot be read.

    Not by the run's id: to look that up again for each of many takes longer than to read them.
    """
    if not artifacts:
        raise UserFacingError(f"the run is gone, and its {path} with it")
    try:
        with tempfile.TemporaryDirectory() as folder:
            return fetch_file(artifacts, path, Path(folder)).read_bytes()
    except Exception as error:
        # Each kind of artifact store has errors of its own.
        raise UserFacingError(f"the run has no {path} that can be read: {one_line(error)}") from error
