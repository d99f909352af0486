"""Evaluations of models after their training: the model that is meant, its scores, and finding them again."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.models.model import MLMODEL_FILE_NAME

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.tracking.artifacts import fetch_file
from mnist_mlflow.tracking.permissions import may_write
from mnist_mlflow.tracking.queries import RUN_ID, search_runs
from mnist_mlflow.tracking.results import LoggedData, as_metrics
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.tracking.servers import reason
from mnist_mlflow.tracking.store import Client

TEST, CORRUPTIONS, EXAMINATION = "test", "corruptions", "examination"  # the kinds of evaluations, by the images
KIND, MODEL_RUN, BY = "evaluation", "evaluated_run_id", "evaluated_by"  # the tags of an evaluation's run
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvaluatedModel:
    """A model that is scored after its training; without ids and tags where it was not logged in this store.

    `run_id` is the run that has trained it.
    """

    uri: str
    model_id: str = ""
    run_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredEvaluation:
    """A finished evaluation, as its run tells it; `time_ms` is its start, in milliseconds since the epoch."""

    run_id: str
    time_ms: int
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    artifacts: str  # where its files are

    @property
    def kind(self) -> str:
        """The kind of evaluation."""
        return self.tags.get(KIND, "")


def find_evaluated(model_uri: str) -> EvaluatedModel:
    """The model behind a URI; raises UserFacingError when there is none."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            model_id = Model.load(fetch_file(model_uri, MLMODEL_FILE_NAME, Path(folder))).model_id
    except (MlflowException, OSError) as error:
        raise UserFacingError(f"There is no model at {model_uri} ({reason(error)}).") from error
    try:
        logged = mlflow.get_logged_model(model_id)
    except MlflowException:
        return EvaluatedModel(model_uri)
    return EvaluatedModel(model_uri, logged.model_id, logged.source_run_id or "", dict(logged.tags))


def log_scores(run: Run, model: EvaluatedModel, kind: str, metrics: Mapping[str, float], data: LoggedData) -> None:
    """Log the scores of a model, and tie them to it, unless it is somebody else's, to look at alone."""
    if model.run_id:
        run.set_tags({KIND: kind, MODEL_RUN: model.run_id})
    model_id = model.model_id or None
    if not may_write(partial(run.log_metrics, as_metrics(run, metrics, model_id, data))):
        _logger.warning("Your account may only read %s: the scores stay in this run.", model.uri)
        run.log_metrics(as_metrics(run, metrics, None, data))


def find_evaluations(client: Client, model_run: str) -> list[StoredEvaluation]:
    """The evaluations of the model that a run has trained, of all kinds, the oldest first."""
    if not RUN_ID.fullmatch(model_run):
        return []
    condition = f"tags.{MODEL_RUN} = '{model_run}' and attributes.status = 'FINISHED'"
    runs = [(run.info, run.data) for run in search_runs(client, condition)]
    return [
        StoredEvaluation(info.run_id, info.start_time, data.metrics, data.params, data.tags, info.artifact_uri)
        for info, data in runs
    ]
