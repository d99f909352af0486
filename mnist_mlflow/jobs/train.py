"""One run: data, search if wanted, fit, and all of it recorded."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from mnist_mlflow.algorithms.abstention import with_abstention
from mnist_mlflow.algorithms.base import (
    Callback,
    TrainedModel,
    calibrate,
    engine,
    get_algorithm,
    lacking_library,
    missing_library,
    resolve,
    train_model,
)
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset, features_of, load_dataset
from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.interrupts import stop_reason
from mnist_mlflow.jobs.clusters import trial_workers
from mnist_mlflow.jobs.recording import RunResult, TrainingRecord, record, record_data
from mnist_mlflow.jobs.versions import check_starter
from mnist_mlflow.model.scorers.base import Scorer
from mnist_mlflow.protocol import NEW_STUDY
from mnist_mlflow.tracking.configurations import CONFIGURATION, configuration
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.results import LoggedData
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.tracking.store import connect
from mnist_mlflow.types import Progress, silent

_logger = logging.getLogger(__name__)


def train(task: Task, progress: Progress) -> RunResult:
    """Train one algorithm in a run of its own; raises UserFacingError when it cannot learn."""
    algorithm, options = get_algorithm(task.algorithm), task.protocol
    if lacking := lacking_library([task.algorithm]):
        raise missing_library(lacking)
    tags = {"algorithm": task.algorithm, "role": "model", "command": task.command(), **_search_tags(task)}
    client = connect()
    dataset = load_dataset(options.data, options.split_seed, options.train_size, progress)
    with (
        trial_workers(task.search.cluster) as cluster,
        open_run(task.algorithm, tags, client=client, name=task.name) as run,
    ):
        check_starter(task.algorithm, dataset)
        validation = record_data(run, dataset, algorithm.__doc__)
        params, resume_command = resolve(algorithm, task.hyperparameters), ""
        if task.searches:
            from mnist_mlflow.jobs.search import search_in  # with Optuna, which takes its time to load

            result = search_in(run, task, dataset, progress, cluster)
            params, resume_command = result.params, result.resume_command
        logged = task.logged_params(params)
        run.log(params=logged, tags={CONFIGURATION: configuration(task, params, dataset)})
        curves = CurveRecorder(f"fit {task.algorithm}", progress)
        try:
            trained = fit(task, params, dataset, curves)
        except (KeyboardInterrupt, SystemExit) as stop:
            if partial := curves.trained_so_far(task, params, dataset):
                stopped = TrainingRecord(
                    task.algorithm, logged, partial, curves.curves, curves.moments, stopped_by=stop_reason(stop)
                )
                _record_partial(run, stopped, dataset, validation)
            raise
        training = TrainingRecord(task.algorithm, logged, trained, curves.curves, curves.moments, resume_command)
        return record(run, training, dataset, validation, progress)


def _search_tags(task: Task) -> dict[str, str]:
    """The tags of a search from its first moment: a killed one is closed when its study resumes."""
    if not task.searches:
        return {}
    return {} if task.search.study == NEW_STUDY else {"study": task.search.study}


def _record_partial(run: Run, training: TrainingRecord, dataset: Dataset, validation: LoggedData) -> None:
    """Record a model that was interrupted; the interruption goes on, whatever the store says."""
    try:
        record(run, training, dataset, validation, silent)
    except UserFacingError as error:
        _logger.warning("%s", error)


class CurveRecorder(Callback):
    """Keeps the learning curves and what an interruption leaves, and reports the progress of the learning."""

    def __init__(self, what: str, progress: Progress) -> None:
        self.what, self.progress = what, progress
        self.curves: dict[str, list[tuple[int, float]]] = {}
        self.moments: dict[int, int] = {}  # milliseconds since the epoch, by step
        self.best: Scorer | None = None
        self.started = time.perf_counter()

    def on_epoch(self, step: int, total: int, metrics: Mapping[str, float]) -> None:
        """Keep the metrics after a step, and when it was."""
        self.moments[step] = int(time.time() * 1000)
        for name, value in metrics.items():
            self.curves.setdefault(name, []).append((step, float(value)))
        self.progress(self.what, step, total)

    def on_interrupt(self, scorer: Scorer) -> None:
        """Keep the best scorer so far."""
        self.best = scorer

    def trained_so_far(self, task: Task, params: Any, dataset: Dataset) -> TrainedModel | None:
        """The model that an interruption left, calibrated."""
        if self.best is None:
            return None
        tuning, library = dataset.tuning, get_algorithm(task.algorithm).LIBRARY
        model, probabilities = calibrate(
            self.best, params.features, features_of(tuning, params.features), tuning.labels
        )
        trained = TrainedModel(model, probabilities, engine(library), time.perf_counter() - self.started)
        return with_abstention(trained, dataset.train, tuning, task.protocol.max_error)


def fit(task: Task, params: Any, dataset: Dataset, curves: CurveRecorder) -> TrainedModel:
    """Let the algorithm learn; raises UserFacingError, with the reason, when it cannot."""
    curves.progress(curves.what, 0, 0)
    try:
        algorithm = get_algorithm(task.algorithm)
        trained = train_model(algorithm, params, dataset.train, dataset.tuning, task.protocol.seed, curves)
        trained = with_abstention(trained, dataset.train, dataset.tuning, task.protocol.max_error)
    except (ValueError, MemoryError) as error:
        raise UserFacingError(f"{task.algorithm} cannot learn with {params}: {one_line(error)}") from error
    curves.progress(curves.what, 1, 1)
    return trained
