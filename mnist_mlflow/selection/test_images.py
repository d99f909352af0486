"""The test images: only selection and `evaluate` look at them, and every opening leaves a run and is counted."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from mnist_mlflow.data import Dataset
from mnist_mlflow.data.label_errors import set_right
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.evaluation.metrics import prefixed, score
from mnist_mlflow.evaluation.significance import accuracy_interval
from mnist_mlflow.selection.entry import Entry
from mnist_mlflow.tracking.models import Load, load_model
from mnist_mlflow.tracking.permissions import may_write
from mnist_mlflow.tracking.queries import count_openings
from mnist_mlflow.tracking.results import as_metrics, describe_test
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.types import Labels, Part, Probabilities, Progress

_logger = logging.getLogger(__name__)

READ_ONLY = "test_metrics.json"  # the scores of models, by runs that take none


@dataclass(frozen=True)
class TestScores:
    """The test metrics of entries, the reasons why others have none, and the number of openings so far."""

    __test__ = False  # pytest takes it for no test

    metrics: Mapping[Entry, Mapping[str, float]] = field(default_factory=dict)
    failures: Sequence[str] = ()
    openings: int = 0


def record_opening(run: Run, dataset: Dataset, reason: str) -> int:
    """Record in a run that it opens the test images, and why; returns the number of openings so far."""
    openings = 1 + count_openings(run.client, dataset.split_digest)
    run.set_tags({"test_opened_for": reason, "test_openings": openings})
    return openings


def score_finalists(
    run: Run, finalists: Sequence[Entry], dataset: Dataset, progress: Progress, load: Load = load_model
) -> TestScores:
    """Score finalists on the test images, in one opening; those scored by an earlier selection are not scored again."""
    new = [entry for entry in finalists if "test_accuracy_low" not in entry.candidate.metrics]
    metrics: dict[Entry, Mapping[str, float]] = {
        entry: entry.candidate.test_metrics for entry in finalists if entry not in new
    }
    if not new:
        return TestScores(metrics, openings=count_openings(run.client, dataset.split_digest))
    openings = record_opening(run, dataset, f"{len(new)} of {len(finalists)} finalists, after the decision")
    failures: list[str] = []
    read_only: dict[str, Mapping[str, float]] = {}
    for number, entry in enumerate(new, 1):
        candidate = entry.candidate
        try:
            answers = load(candidate.model_uri, candidate.location)(dataset.test.images)
        except UserFacingError as error:
            failures.append(str(error))
        else:
            metrics[entry] = scores = metrics_on(dataset.test, answers, dataset.digest)
            owner = Run(run.client, candidate.run_id)
            if not may_write(
                partial(owner.log_metrics, as_metrics(owner, scores, candidate.model_id, describe_test(dataset)))
            ):
                read_only[candidate.run_id] = scores
        progress("score on the test images", number, len(new))
    if read_only:
        _keep_here(run, read_only)
    return TestScores(metrics, failures, openings)


def _keep_here(run: Run, scores: Mapping[str, Mapping[str, float]]) -> None:
    """Keep the scores of models whose runs are somebody else's, to look at alone, in this run, and say so."""
    with run.files() as folder:
        (folder / READ_ONLY).write_text(json.dumps(scores, indent=2), encoding="utf-8")
    _logger.warning(
        "Your account may only read %s: the test scores stay in this run, in %s.", ", ".join(sorted(scores)), READ_ONLY
    )


def metrics_on(test: Part, probabilities: Probabilities, digest: str) -> dict[str, float]:
    """The `test_` metrics of probabilities (n, 10) for the test images of the data set with a digest.

    `test_accuracy_low` and `_high` are the 95 % interval. For MNIST there is `test_accuracy_corrected` too: with the
    known wrong labels set right, without the images that people cannot read.
    """
    metrics = prefixed("test", score(test.labels, probabilities))
    low, high = accuracy_interval(_count_right(test.labels, probabilities), len(test))
    metrics |= {"test_accuracy_low": low, "test_accuracy_high": high}
    if corrected := set_right(test, digest):
        labels, readable = corrected
        right, images = _count_right(labels[readable], probabilities[readable]), int(readable.sum())
        low, high = accuracy_interval(right, images)
        metrics["test_accuracy_corrected"] = right / images
        metrics |= {"test_accuracy_corrected_low": low, "test_accuracy_corrected_high": high}
    return metrics


def _count_right(labels: Labels, probabilities: Probabilities) -> int:
    return int((probabilities.argmax(axis=1) == labels).sum())
