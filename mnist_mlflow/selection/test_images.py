"""The test images: nothing else in this package looks at them, and every look leaves a run and is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.data.label_errors import set_right
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.evaluation.metrics import prefixed, score
from mnist_mlflow.evaluation.significance import accuracy_interval
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.models import find_model, predict
from mnist_mlflow.tracking.queries import count_openings
from mnist_mlflow.tracking.registry import CHAMPION_URI
from mnist_mlflow.tracking.results import as_metrics, dataset_tags, describe_test, log_test
from mnist_mlflow.tracking.runs import Run, open_run
from mnist_mlflow.types import Labels, Probabilities, Progress


@dataclass(frozen=True)
class Opened:
    """The test metrics of some runs, why others have none, and how often the test images have been opened by now."""

    tested: dict[str, dict[str, float]]
    reasons: list[str]
    openings: int


def open_test(run: Run, dataset: Dataset, reason: str) -> int:
    """Say in a run that it opens the test images, and why; returns how often they have been opened by now."""
    openings = 1 + count_openings(run.client, dataset.split_digest)
    run.set_tags({"test_opened_for": reason, "test_openings": openings})
    return openings


def open_for(run: Run, candidates: Sequence[Candidate], dataset: Dataset, progress: Progress) -> Opened:
    """Score candidates on the test images, once for all of them; what was scored before is not scored again."""
    new = [candidate for candidate in candidates if "test_accuracy_low" not in candidate.metrics]
    tested = {candidate.run_id: candidate.test_metrics for candidate in candidates if candidate not in new}
    if not new:
        return Opened(tested, [], count_openings(run.client, dataset.split_digest))
    openings = open_test(run, dataset, f"{len(new)} of {len(candidates)} finalists, after the decision")
    reasons: list[str] = []
    for number, candidate in enumerate(new, 1):
        try:
            tested[candidate.run_id] = _score(candidate, dataset, run)
        except UserFacingError as error:
            reasons.append(str(error))
        progress("score on the test images", number, len(new))
    return Opened(tested, reasons, openings)


def _score(candidate: Candidate, dataset: Dataset, run: Run) -> dict[str, float]:
    metrics = score_on_test(candidate.model_uri, dataset)
    owner = Run(run.client, candidate.run_id)
    owner.log_metrics(as_metrics(owner, metrics, candidate.model_id, describe_test(dataset)))
    return metrics


def score_on_test(model_uri: str, dataset: Dataset) -> dict[str, float]:
    """The `test_` metrics of a logged or registered model; raises UserFacingError when it does not load or predict.

    `test_accuracy_low` and `_high` are the 95 % interval. For MNIST there is `test_accuracy_corrected` too: with the
    known wrong labels set right, without the images that people cannot read.
    """
    probabilities = predict(model_uri, dataset.test.images)
    metrics = prefixed("test", score(dataset.test.labels, probabilities))
    low, high = accuracy_interval(_right(dataset.test.labels, probabilities), len(dataset.test))
    metrics |= {"test_accuracy_low": low, "test_accuracy_high": high}
    if corrected := set_right(dataset.test, dataset.digest):
        labels, readable = corrected
        right = _right(labels[readable], probabilities[readable])
        low, high = accuracy_interval(right, int(readable.sum()))
        metrics["test_accuracy_corrected"] = right / int(readable.sum())
        metrics |= {"test_accuracy_corrected_low": low, "test_accuracy_corrected_high": high}
    return metrics


def _right(labels: Labels, probabilities: Probabilities) -> int:
    return int((probabilities.argmax(axis=1) == labels).sum())


def evaluate(model_uri: str, data: str, split_seed: int, progress: Progress) -> dict[str, float]:
    """Score any logged or registered model on the test images, in a run of its own."""
    with open_run("evaluate", {"role": "evaluation"}) as run:
        dataset = load_dataset(data, split_seed, progress=progress)
        run.set_tags(dataset_tags(dataset))
        run.log_params({"model": model_uri, "data": data, "split_seed": split_seed})
        model_id = _check_split(model_uri, dataset)
        openings = open_test(run, dataset, f"evaluate {model_uri}")
        progress(f"score {model_uri}", 0, 0)
        metrics = score_on_test(model_uri, dataset)
        progress(f"score {model_uri}", 1, 1)
        run.log_metrics(as_metrics(run, metrics, model_id, log_test(dataset)))
        return {**metrics, "test_openings": openings}


def _check_split(model_uri: str, dataset: Dataset) -> str | None:
    """The id of the logged model, if it is one; raises UsageError when it may have learned the test images."""
    try:
        model_id, tags = find_model(model_uri)
    except UserFacingError as error:
        accepted = f"{CHAMPION_URI}, models:/NAME/VERSION, models:/m-… and runs:/…"
        raise UsageError(f"{error} Accepted: {accepted}") from error
    same_data = tags.get("dataset_digest") == dataset.digest
    if same_data and tags["split_digest"] != dataset.split_digest:
        raise UsageError(
            f"{model_uri} learned from another split of {dataset.name}, which may hold these test images. "
            f"Type: -P split_seed={tags['split_seed']}"
        )
    return model_id
