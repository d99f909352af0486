"""The part of `evaluate` that scores a model on pictures of somebody's own; no test images of MNIST are opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_mlflow.data import Source
from mnist_mlflow.data.source import digest_of
from mnist_mlflow.errors import UsageError
from mnist_mlflow.evaluation.drawing import as_png
from mnist_mlflow.evaluation.examination import list_readings, ranked_answers, score_readings
from mnist_mlflow.evaluation.plots import confusion_matrix, mistakes, reject_curve
from mnist_mlflow.jobs.recording import record_skipped
from mnist_mlflow.parameters import split_address
from mnist_mlflow.tracking.accounts import account
from mnist_mlflow.tracking.datasets import ADDED, ADDRESS, MEMBERS_ADDED
from mnist_mlflow.tracking.evaluations import BY, EXAMINATION, EvaluatedModel, log_scores
from mnist_mlflow.tracking.models import load_model
from mnist_mlflow.tracking.results import log_examined, write_pictures
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.types import PROBABILITY_COLUMNS, Part, Progress

if TYPE_CHECKING:
    import pandas as pd

READINGS = "readings.csv"


@dataclass(frozen=True)
class Examination:
    """The metrics of a model on somebody's own pictures, and its reading of each."""

    model: str
    data: str
    run_id: str
    metrics: Mapping[str, float]
    readings: pd.DataFrame


def to_examine(model: EvaluatedModel, source: Source) -> Part | None:
    """The images that a model has not learned from; None where the data set was split to train it.

    Raises UsageError where no images are left, or nobody can tell which.
    """
    tags, path = model.tags, split_address(source.address)[1]
    if tags.get("dataset_digest") == source.digest:
        return None
    added = {tags.get(ADDED, ""), *tags.get(MEMBERS_ADDED, "").split(",")}
    if digest_of(source.learning) in added:
        if source.test:
            return source.test
        raise UsageError(
            f"{model.uri} learned from all pictures of {source.address}. Name others: data=PATH, or data=mnist"
        )
    if split_address(tags.get(ADDRESS, ""))[1] == path:
        raise UsageError(
            f"{model.uri} learned from {path} when other pictures were there, and maybe some of these. "
            "Put new ones into a folder of their own, and name that: data=PATH"
        )
    return source.whole


def examine(run: Run, model: EvaluatedModel, source: Source, part: Part, progress: Progress) -> Examination:
    """Score a model on images of somebody's own data set."""
    record_skipped(run, source)
    answer = load_model(model.uri)
    progress(f"score {model.uri}", 0, 0)
    answers = answer.table(part.images)
    progress(f"score {model.uri}", 1, 1)
    metrics, files = score_readings(part.labels, answers), source.files[-len(part) :]
    readings = list_readings(files, part.labels, answers)
    log_scores(run, model, EXAMINATION, metrics, log_examined(source, part))
    run.log(params={"images": len(part)}, tags={BY: account()})
    with run.files() as folder:
        readings.to_csv(folder / READINGS, index=False, encoding="utf-8", errors="backslashreplace")
        write_pictures(folder, _pictures(part, answers, f"{model.uri}, {len(part):,} pictures of {source.name}"))
    return Examination(model.uri, source.name, run.id, metrics, readings)


def _pictures(part: Part, answers: pd.DataFrame, title: str) -> dict[str, bytes]:
    probabilities = answers[PROBABILITY_COLUMNS].to_numpy()
    sure = float(answers["sure"].mean()) if "sure" in answers else None
    return {
        "confusion_matrix": as_png(confusion_matrix(part.labels, probabilities, title)),
        "reject_curve": as_png(reject_curve(ranked_answers(part.labels, answers), sure, title)),
        "mistakes": as_png(mistakes(part.images, part.labels, probabilities, title)),
    }
