"""The test images: nothing else in this package looks at them, and every look leaves a run."""

from __future__ import annotations

from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.errors import Failure, UsageError
from mnist_mlflow.evaluation.metrics import prefixed, score
from mnist_mlflow.tracking.models import find_model, predict
from mnist_mlflow.tracking.registry import CHAMPION_URI
from mnist_mlflow.tracking.results import as_metrics, dataset_tags, log_test
from mnist_mlflow.tracking.runs import open_run
from mnist_mlflow.types import Progress


def score_on_test(model_uri: str, dataset: Dataset) -> dict[str, float]:
    """The `test_` metrics of a logged or registered model; raises Failure when it does not load or predict."""
    return prefixed("test", score(dataset.test.labels, predict(model_uri, dataset.test.images)))


def evaluate(model_uri: str, data: str, split_seed: int, progress: Progress) -> dict[str, float]:
    """Score any logged or registered model on the test images, in a run of its own."""
    with open_run("evaluate", {"role": "evaluation", "test_opened_for": f"evaluate {model_uri}"}) as run:
        dataset = load_dataset(data, split_seed, progress=progress)
        run.set_tags(dataset_tags(dataset))
        run.log_params({"model": model_uri, "data": data, "split_seed": split_seed})
        model_id = _check_split(model_uri, dataset)
        progress(f"score {model_uri}", 0, 0)
        metrics = score_on_test(model_uri, dataset)
        progress(f"score {model_uri}", 1, 1)
        run.log_metrics(as_metrics(run, metrics, model_id, log_test(dataset)))
        return metrics


def _check_split(model_uri: str, dataset: Dataset) -> str | None:
    """The id of the logged model, if it is one; raises UsageError when it may have learned the test images."""
    try:
        model_id, tags = find_model(model_uri)
    except Failure as error:
        accepted = f"{CHAMPION_URI}, models:/NAME/VERSION, models:/m-… and runs:/…"
        raise UsageError(f"{error} Accepted: {accepted}") from error
    same_data = tags.get("dataset_digest") == dataset.digest
    if same_data and tags["split_digest"] != dataset.split_digest:
        raise UsageError(
            f"{model_uri} learned from another split of {dataset.name}, which may hold these test images. "
            f"Type: -P split_seed={tags['split_seed']}"
        )
    return model_id
