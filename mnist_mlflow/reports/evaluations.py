"""Sections of the card about evaluations of a model after its training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mnist_mlflow.evaluation import robustness
from mnist_mlflow.evaluation.corruptions import CORRUPTIONS, STRENGTHS
from mnist_mlflow.evaluation.examination import ACCURACY, COVERAGE, SELECTIVE_ERROR
from mnist_mlflow.evaluation.robustness import MEAN, by_corruption
from mnist_mlflow.reports.figures import NOT_RECORDED, time_text
from mnist_mlflow.reports.sections import Section
from mnist_mlflow.tracking import evaluations
from mnist_mlflow.tracking.evaluations import StoredEvaluation

WORST = 5  # corruptions that are shown
LATEST = 4  # examinations that are shown
EXAMINED = ("data set", "pictures", "accuracy %", "sure of %", "wrong among these %", "by", "when", "run")


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
    head = ("accuracy % at strength", *map(str, STRENGTHS))
    return Section(title, _in_words(latest), head, rows)


def examination_section(stored: Sequence[StoredEvaluation]) -> Section:
    """A row for each of the latest examinations on somebody's own pictures; empty where there is none."""
    title = "Examinations"
    rows = [_examined(one) for one in stored if one.kind == evaluations.EXAMINATION and ACCURACY in one.metrics]
    if not rows:
        return Section(title)
    text = f"On pictures of people's own, of which it had learned nothing. The latest {LATEST} at most; "
    return Section(title, f"{text}in brackets the 95 % interval.", EXAMINED, rows[-LATEST:])


def _examined(one: StoredEvaluation) -> list[str]:
    shares = [_with_interval(one.metrics, name) for name in (ACCURACY, COVERAGE, SELECTIVE_ERROR)]
    tags, pictures = one.tags, _count(one, NOT_RECORDED)
    by = tags.get(evaluations.BY, NOT_RECORDED)
    return [tags.get("dataset", NOT_RECORDED), pictures, *shares, by, time_text(one.time_ms), one.run_id[:8]]


def _with_interval(metrics: Mapping[str, float], name: str) -> str:
    if name not in metrics:
        return NOT_RECORDED
    value, low, high = (100 * metrics.get(f"{name}{end}", math.nan) for end in ("", "_low", "_high"))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def latest_corruptions(stored: Sequence[StoredEvaluation]) -> StoredEvaluation | None:
    """The latest evaluation of corrupted images that has its scores, which anybody may have changed since."""
    return next((one for one in reversed(stored) if one.kind == evaluations.CORRUPTIONS and MEAN in one.metrics), None)


def _in_words(evaluation: StoredEvaluation) -> str:
    metrics, images = evaluation.metrics, _count(evaluation, "some")
    ways = f"each changed in {len(CORRUPTIONS)} ways at {len(STRENGTHS)} strengths"
    text = f"Of {images} validation images, {ways}, it reads {100 * metrics[MEAN]:.2f} % right."
    sure, wrong = robustness.COVERAGE, robustness.SELECTIVE_ERROR
    if {sure, wrong} <= metrics.keys():
        coverage, error = (f"{100 * metrics[name]:.2f} %" for name in (sure, wrong))
        text += f" It is sure of {coverage} of its answers; of these {error} are wrong."
    return f"{text} Run {evaluation.run_id} holds all sixty figures and a picture. The worst:"


def _count(evaluation: StoredEvaluation, unknown: str) -> str:
    """The number of images, which anybody may have changed since."""
    images = evaluation.params.get("images", unknown)
    return f"{int(images):,}" if images.isdecimal() else images
