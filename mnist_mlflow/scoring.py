"""The test images: nothing else in this project looks at them, and every look leaves a run."""

from __future__ import annotations

import mlflow
from mlflow.data.dataset import Dataset as MlflowDataset
from mlflow.exceptions import MlflowException

from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.errors import Failure, UsageError, one_line
from mnist_mlflow.evaluation.metrics import prefixed, score
from mnist_mlflow.tracking.registry import CHAMPION_URI
from mnist_mlflow.tracking.results import as_metrics, dataset_tags, describe
from mnist_mlflow.tracking.runs import open_run
from mnist_mlflow.types import CLASSES, Progress


def describe_test(dataset: Dataset) -> MlflowDataset:
    """The test images as MLflow knows data sets."""
    return describe(dataset.test, f"{dataset.name}-test", dataset.split_digest)


def score_on_test(model_uri: str, dataset: Dataset) -> dict[str, float]:
    """The `test_` metrics of a logged or registered model; raises Failure when it does not load or predict."""
    try:
        predictions = mlflow.pyfunc.load_model(model_uri).predict(dataset.test.images)
        probabilities = predictions[[f"p{digit}" for digit in range(CLASSES)]].to_numpy()
    except Exception as error:
        # A model is somebody's code and files: whatever it raises, it is this model that cannot be scored.
        raise Failure(f"The model {model_uri} cannot be scored: {one_line(error)}") from error
    return prefixed("test", score(dataset.test.labels, probabilities))


def evaluate(model_uri: str, data: str, split_seed: int, progress: Progress) -> dict[str, float]:
    """Score any logged or registered model on the test images, in a run of its own."""
    with open_run("evaluate", {"role": "evaluation", "test_opened_for": f"evaluate {model_uri}"}) as run:
        dataset = load_dataset(data, split_seed, progress=progress)
        run.set_tags(dataset_tags(dataset))
        run.log_params({"model": model_uri, "data": data, "split_seed": split_seed})
        model_id = _check_split(model_uri, dataset)
        metrics = score_on_test(model_uri, dataset)
        mlflow.log_input(describe_test(dataset), context="test")
        run.log_metrics(as_metrics(run, metrics, model_id, describe_test(dataset)))
        return metrics


def _check_split(model_uri: str, dataset: Dataset) -> str | None:
    """The id of the logged model, if it is one; raises UsageError when it may have learned the test images."""
    try:
        model_id: str | None = mlflow.models.get_model_info(model_uri).model_id
        tags = mlflow.get_logged_model(model_id).tags if model_id else {}
    except (MlflowException, OSError) as error:
        raise UsageError(
            f"There is no model at {model_uri} ({one_line(error)}). Accepted: {CHAMPION_URI}, "
            "models:/NAME/VERSION, models:/m-… and runs:/…"
        ) from error
    same_data = tags.get("dataset_digest") == dataset.digest
    if same_data and tags["split_digest"] != dataset.split_digest:
        raise UsageError(
            f"{model_uri} learned from another split of {dataset.name}, which may hold these test images. "
            f"Type: -P split_seed={tags['split_seed']}"
        )
    return model_id
