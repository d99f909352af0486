"""The test images: only selection and `evaluate` look at them, and every opening leaves a run and is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mnist_mlflow.data import Dataset
from mnist_mlflow.data.label_errors import set_right
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.evaluation.metrics import prefixed, score
from mnist_mlflow.evaluation.significance import accuracy_interval
from mnist_mlflow.selection.entry import Entry
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.models import predict
from mnist_mlflow.tracking.queries import count_openings
from mnist_mlflow.tracking.results import as_metrics, describe_test
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.types import Labels, Part, Probabilities, Progress


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


def score_finalists(run: Run, finalists: Sequence[Entry], dataset: Dataset, progress: Progress) -> TestScores:
    """Score finalists on the test images, in one opening; those scored by an earlier selection are not scored again."""
    new = [entry for entry in finalists if "test_accuracy_low" not in entry.candidate.metrics]
    metrics: dict[Entry, Mapping[str, float]] = {
        entry: entry.candidate.test_metrics for entry in finalists if entry not in new
    }
    if not new:
        return TestScores(metrics, openings=count_openings(run.client, dataset.split_digest))
    openings = record_opening(run, dataset, f"{len(new)} of {len(finalists)} finalists, after the decision")
    failures: list[str] = []
    for number, entry in enumerate(new, 1):
        try:
            metrics[entry] = _score_and_log(entry.candidate, dataset, run)
        except UserFacingError as error:
            failures.append(str(error))
        progress("score on the test images", number, len(new))
    return TestScores(metrics, failures, openings)


def _score_and_log(candidate: Candidate, dataset: Dataset, run: Run) -> dict[str, float]:
    metrics = score_on_test(candidate.model_uri, dataset)
    owner = Run(run.client, candidate.run_id)
    owner.log_metrics(as_metrics(owner, metrics, candidate.model_id, describe_test(dataset)))
    return metrics


def score_on_test(model_uri: str, dataset: Dataset) -> dict[str, float]:
    """The `test_` metrics of a logged or registered model; raises UserFacingError when it does not load or predict."""
    return metrics_on(dataset.test, predict(model_uri, dataset.test.images), dataset.digest)


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
