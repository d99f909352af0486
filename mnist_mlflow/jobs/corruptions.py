"""The part of `evaluate` that scores a model on corrupted validation images; the test images stay shut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from mnist_mlflow.data import Dataset, in_words
from mnist_mlflow.data.dataset import stratified_subset
from mnist_mlflow.evaluation import robustness
from mnist_mlflow.evaluation.corruptions import CORRUPTIONS, STRENGTHS, corrupt
from mnist_mlflow.evaluation.drawing import as_png
from mnist_mlflow.evaluation.robustness import RobustnessScore
from mnist_mlflow.evaluation.robustness_plots import draw_accuracies, draw_samples
from mnist_mlflow.tracking import evaluations
from mnist_mlflow.tracking.evaluations import EvaluatedModel, log_scores
from mnist_mlflow.tracking.models import load_model
from mnist_mlflow.tracking.results import as_metrics, log_validation, write_pictures
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.types import PROBABILITY_COLUMNS, Part, Progress

MOST_IMAGES = 1_000  # of which each is changed in sixty ways


@dataclass(frozen=True)
class CorruptionScores:
    """The metrics of a model on so many validation images, each corrupted in all ways."""

    model: str
    images: int
    metrics: Mapping[str, float]


def score_corruptions(run: Run, model: EvaluatedModel, dataset: Dataset, progress: Progress) -> CorruptionScores:
    """Score a model on validation images that are corrupted in twenty ways at three strengths."""
    validation = _sample(dataset.validation)
    scores = list(_scores(model, validation, progress))
    accuracies, summary = robustness.as_metrics(scores), robustness.summarize(scores)
    data = log_validation(dataset)
    log_scores(run, model, evaluations.CORRUPTIONS, summary, data)
    run.log(as_metrics(run, accuracies, None, data), {"images": len(validation)})
    with run.files() as folder:
        _write(folder, scores, validation, f"{model.uri}, {len(validation):,} images of {in_words(dataset.name)} each")
    return CorruptionScores(model.uri, len(validation), accuracies | summary)


def _sample(validation: Part) -> Part:
    """The same images of a split for all models."""
    return validation if len(validation) <= MOST_IMAGES else stratified_subset(validation, MOST_IMAGES, 0)


def _scores(model: EvaluatedModel, validation: Part, progress: Progress) -> Iterator[RobustnessScore]:
    loaded, ways = load_model(model.uri), list(product(CORRUPTIONS, STRENGTHS))
    for done, (name, strength) in enumerate(ways):
        progress("score corrupted images", done, len(ways), f"{name} {strength}")
        table = loaded.table(corrupt(validation.images, name, strength))
        sure = table["sure"].to_numpy(bool) if "sure" in table else None
        digits = table[PROBABILITY_COLUMNS].to_numpy().argmax(axis=1)
        yield robustness.score_answers(name, strength, validation.labels, digits, sure)
    progress("score corrupted images", len(ways), len(ways))


def _write(folder: Path, scores: Sequence[RobustnessScore], validation: Part, about: str) -> None:
    """Write the table and the pictures."""
    robustness.score_table(scores).to_csv(folder / "corruptions.csv", index=False)
    accuracies = robustness.by_corruption(robustness.as_metrics(scores))
    figures = {
        "corruptions": draw_accuracies(accuracies, about),
        "corruption_samples": draw_samples(validation.images[0], "a validation image, at the strengths 1 to 3"),
    }
    write_pictures(folder, {name: as_png(figure) for name, figure in figures.items()})
