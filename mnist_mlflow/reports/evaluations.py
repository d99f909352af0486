"""Sections of the card about evaluations of a model after its training."""

from __future__ import annotations

from collections.abc import Sequence

from mnist_mlflow.evaluation.corruptions import CORRUPTIONS, STRENGTHS
from mnist_mlflow.evaluation.robustness import COVERAGE, MEAN, SELECTIVE_ERROR, by_corruption
from mnist_mlflow.reports.sections import Section
from mnist_mlflow.tracking import evaluations
from mnist_mlflow.tracking.evaluations import StoredEvaluation

WORST = 5  # corruptions that are shown


def failure_section(stored: Sequence[StoredEvaluation]) -> Section:
    """The worst corruptions by the latest evaluation of corrupted images; empty where there is none."""
    title, latest = "Where it fails", latest_corruptions(stored)
    if latest is None:
        return Section(title)
    accuracies = by_corruption(latest.metrics)
    rows = [
        [f"{name.replace('_', ' ')}: {CORRUPTIONS[name].words}", *(f"{100 * value:.2f}" for value in values)]
        for name, values in list(accuracies.items())[:WORST]
    ]
    head = ("the worst of twenty corruptions", *(f"accuracy % at strength {strength}" for strength in STRENGTHS))
    return Section(title, _in_words(latest), head, rows)


def latest_corruptions(stored: Sequence[StoredEvaluation]) -> StoredEvaluation | None:
    """The latest evaluation of corrupted images that has its scores, which anybody may have changed since."""
    return next((one for one in reversed(stored) if one.kind == evaluations.CORRUPTIONS and MEAN in one.metrics), None)


def _in_words(evaluation: StoredEvaluation) -> str:
    metrics, images = evaluation.metrics, evaluation.params.get("images", "some")
    ways = f"each changed in {len(CORRUPTIONS)} ways at {len(STRENGTHS)} strengths"
    text = f"Of {images} validation images, {ways}, it reads {100 * metrics[MEAN]:.2f} % right."
    if {COVERAGE, SELECTIVE_ERROR} <= metrics.keys():
        coverage, error = (f"{100 * metrics[name]:.2f} %" for name in (COVERAGE, SELECTIVE_ERROR))
        text += f" It is sure of {coverage} of its answers; of these {error} are wrong."
    return f"{text} Run {evaluation.run_id} holds all sixty figures and a picture."
