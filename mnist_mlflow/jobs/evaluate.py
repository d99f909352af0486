"""Score any logged or registered model on the test images, in a run that counts as an opening of them.

With corruptions=1 it says where the model breaks. It is scored on validation images, changed in twenty ways at three
strengths, and the test images stay shut.

With data=PATH it is examined on pictures of somebody's own, all of them unless it has learned from them.

    mlflow run . -e evaluate --env-manager local -P model=champion
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from mnist_mlflow.data import Dataset, open_source, split
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.jobs.corruptions import CorruptionScores, score_corruptions
from mnist_mlflow.jobs.examination import Examination, examine, to_examine
from mnist_mlflow.parameters import flag, not_known, parameters, split_address, text, typed
from mnist_mlflow.protocol import Names, SplitOptions
from mnist_mlflow.reports.chosen import refresh_cards
from mnist_mlflow.selection.test_images import metrics_on, record_opening
from mnist_mlflow.tracking.aliases import ALIASES, CHAMPION
from mnist_mlflow.tracking.datasets import dataset_tags, source_tags
from mnist_mlflow.tracking.evaluations import TEST, EvaluatedModel, find_evaluated, log_scores
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.models import load_model
from mnist_mlflow.tracking.named import model_uri
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.results import log_test
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.tracking.store import connect
from mnist_mlflow.types import Progress

ACCEPTED = (*ALIASES, "models:/NAME@ALIAS", "models:/NAME/VERSION", "models:/m-…", "runs:/…", "the folder of a model")


@parameters
class Params(Names, SplitOptions):
    """Options of `evaluate`."""

    model: str = text(CHAMPION, ".+", "an alias, or the URI or folder of a model", "the model to score")
    corruptions: bool = flag(False, "1: score it on corrupted validation images; the test images stay shut")


@dataclass(frozen=True)
class Evaluation:
    """The `test_` metrics of a model, the data set of its test images, and how often these were opened."""

    model: str
    dataset: str
    metrics: Mapping[str, float]
    openings: int


Scores: TypeAlias = Evaluation | CorruptionScores | Examination


def run(params: Params, progress: Progress) -> Scores:
    """Score a model in a run of its own.

    Raises UsageError for a model that is not there, or may have learned the images.
    """
    _check_name(params.model)
    client = connect()
    source = open_source(params.data, progress)
    is_own = not split_address(source.address)[0]
    with open_run(
        "evaluate", {"role": "evaluation"}, params.experiment, client, name=f"evaluation of {params.model}"
    ) as run:
        run.set_tags(source_tags(source))
        run.log_params({name: typed(value) for name, value in vars(params).items()})
        model = _find_model(model_uri(params.model, params.registered_model))
        if is_own and not params.corruptions and (part := to_examine(model, source)):
            scores: Scores = examine(run, model, source, part, progress)
        else:
            dataset = split(source, params.split_seed)
            run.set_tags(dataset_tags(dataset))
            _check_split(model, dataset)
            score = score_corruptions if params.corruptions else _score_test
            scores = score(run, model, dataset, progress)
    refresh_cards(Registry(run.client, params), model.run_id)  # which finds finished evaluations
    return scores


def _score_test(run: Run, model: EvaluatedModel, dataset: Dataset, progress: Progress) -> Evaluation:
    """Score a model on the test images, which is an opening of them."""
    answer = load_model(model.uri)  # a model that does not load opens no test images
    openings = record_opening(run, dataset, f"evaluate {model.uri}")
    progress(f"score {model.uri}", 0, 0)
    metrics = metrics_on(dataset.test, answer(dataset.test.images), dataset.digest)
    progress(f"score {model.uri}", 1, 1)
    log_scores(run, model, TEST, metrics, log_test(dataset))
    return Evaluation(model.uri, dataset.name, metrics, openings)


def _check_name(model: str) -> None:
    """Raise UsageError for what is no alias, no address and no folder."""
    if model not in ALIASES and ":/" not in model and not Path(model).exists():
        raise UsageError(not_known("model", model, ACCEPTED))


def _find_model(uri: str) -> EvaluatedModel:
    """The model at a URI; raises UsageError where there is none."""
    try:
        return find_evaluated(uri)
    except UserFacingError as error:
        raise UsageError(f"{error} Accepted: {', '.join(ACCEPTED)}") from error


def _check_split(model: EvaluatedModel, dataset: Dataset) -> None:
    """Raise UsageError for a model that may have learned images that it is scored on."""
    same_data = model.tags.get("dataset_digest") == dataset.digest
    if same_data and model.tags["split_digest"] != dataset.split_digest:
        raise UsageError(
            f"{model.uri} learned from another split of {dataset.name}, which may hold these images. "
            f"Type: split_seed={model.tags['split_seed']}"
        )
