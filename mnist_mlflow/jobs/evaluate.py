"""Score any logged or registered model on the test images, in a run that counts as an opening of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.parameters import parameters, text, typed
from mnist_mlflow.protocol import Names, SplitOptions
from mnist_mlflow.selection.test_images import metrics_on, record_opening
from mnist_mlflow.tracking.aliases import ALIASES, CHAMPION
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.models import find_model, load_model
from mnist_mlflow.tracking.named import model_uri
from mnist_mlflow.tracking.permissions import may_write
from mnist_mlflow.tracking.results import LoggedData, as_metrics, dataset_tags, log_test
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.types import Progress

_logger = logging.getLogger(__name__)


@parameters
class Params(Names, SplitOptions):
    """Options of `evaluate`."""

    model: str = text(CHAMPION, ".+", "an alias, or the URI or folder of a model", "the model to score")


@dataclass(frozen=True)
class Evaluation:
    """The `test_` metrics of a model, and the number of openings of the test images so far."""

    model: str
    metrics: Mapping[str, float]
    openings: int


def run(params: Params, progress: Progress) -> Evaluation:
    """Score a model in a run of its own; raises UsageError if it may have learned the test images."""
    with open_run("evaluate", {"role": "evaluation"}, params.experiment) as run:
        dataset = load_dataset(params.data, params.split_seed, progress=progress)
        run.set_tags(dataset_tags(dataset))
        run.log_params({name: typed(value) for name, value in vars(params).items()})
        model = model_uri(params.model, params.registered_model)
        model_id = _check_split(model, dataset)
        answer = load_model(model)  # a model that does not load opens no test images
        openings = record_opening(run, dataset, f"evaluate {model}")
        progress(f"score {model}", 0, 0)
        metrics = metrics_on(dataset.test, answer(dataset.test.images), dataset.digest)
        progress(f"score {model}", 1, 1)
        _log_scores(run, metrics, model, model_id, log_test(dataset))
        return Evaluation(model, metrics, openings)


def _log_scores(run: Run, metrics: Mapping[str, float], model: str, model_id: str | None, test: LoggedData) -> None:
    """Log the scores of a model, and tie them to it, unless it is somebody else's, to look at alone."""
    if not may_write(partial(run.log_metrics, as_metrics(run, metrics, model_id, test))):
        _logger.warning("Your account may only read %s: the scores stay in this run.", model)
        run.log_metrics(as_metrics(run, metrics, None, test))


def _check_split(uri: str, dataset: Dataset) -> str | None:
    """The id of the logged model, if it is one; raises UsageError when it may have learned the test images."""
    try:
        model_id, tags = find_model(uri)
    except UserFacingError as error:
        accepted = f"{', '.join(ALIASES)}, models:/NAME@ALIAS, models:/NAME/VERSION, models:/m-… and runs:/…"
        raise UsageError(f"{error} Accepted: {accepted}") from error
    same_data = tags.get("dataset_digest") == dataset.digest
    if same_data and tags["split_digest"] != dataset.split_digest:
        raise UsageError(
            f"{uri} learned from another split of {dataset.name}, which may hold these test images. "
            f"Type: -P split_seed={tags['split_seed']}"
        )
    return model_id
