"""The runner of trials: learns, judges at the rungs, measures, and writes down the outcome."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from mnist_mlflow.algorithms.base import SILENT, Callback, TrainedModel, learns_in_steps, train_model
from mnist_mlflow.data import Dataset
from mnist_mlflow.data.dataset import stratified_subset
from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.evaluation.calibration import fit_temperature
from mnist_mlflow.evaluation.latency import BATCH, ms_per_image
from mnist_mlflow.evaluation.metrics import essentials, prefixed
from mnist_mlflow.model.calibration import softmax
from mnist_mlflow.processes import PROGRAM
from mnist_mlflow.search.objectives import goals, values_of
from mnist_mlflow.search.pruning import RUNGS, WHOLE
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.records import encode, signed_losses
from mnist_mlflow.search.studies import HEARTBEAT
from mnist_mlflow.types import Labels, Part, Probabilities, Scores

SMALLEST_SHARE = 1_000  # images: fewer tell too little
MIDDLE = 0.6  # of the steps: there, networks rank nearly as they do in the end


class OutOfTimeError(Exception):
    """The search has to end before the trial does."""


def run_trial(trial: optuna.Trial, queue: TrialQueue, dataset: Dataset) -> None:
    """Try a trial of a queue and write down its outcome; raises KeyboardInterrupt and SystemExit alone."""
    study, attempt, started = queue.study, Attempt(trial, queue, dataset), time.perf_counter()
    error: BaseException | None = None
    with _heartbeats(trial, queue), _named_in_logs(trial.number):
        try:
            attempt.learn()
        except BaseException as exception:
            error = exception
        state, reason = _end_by(error)
        outcome = {"metrics": attempt.metrics, **attempt.losses, **reason, "seconds": time.perf_counter() - started}
        with contextlib.suppress(UpdateFinishedTrialError):  # closed by others, who took this process for dead
            trial.set_user_attr("outcome", outcome)
            study.tell(trial, None if error else attempt.values, state, skip_if_finished=True)
    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        raise error


@contextlib.contextmanager
def _heartbeats(trial: optuna.Trial, queue: TrialQueue) -> Iterator[None]:
    """Give signs of life of a trial; the first is part of its claim."""
    has_ended = threading.Event()

    def beat() -> None:
        while not has_ended.wait(HEARTBEAT):
            queue.storage.record_heartbeat(trial._trial_id)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        has_ended.set()
        thread.join()


@contextlib.contextmanager
def _named_in_logs(number: int) -> Iterator[None]:
    """Have what is logged meanwhile begin with the number of the trial: a warning of one among many."""
    make = logging.getLogRecordFactory()

    def named(*arguments: Any, **options: Any) -> logging.LogRecord:
        record = make(*arguments, **options)
        if record.name.startswith(PROGRAM):
            record.msg = f"trial {number}: {record.msg}"
        return record

    logging.setLogRecordFactory(named)
    try:
        yield
    finally:
        logging.setLogRecordFactory(make)


def _end_by(error: BaseException | None) -> tuple[TrialState, dict[str, str]]:
    """The state of a trial after an error, if any, and the part of its outcome that says why."""
    match error:
        case None:
            return TrialState.COMPLETE, {}
        case optuna.TrialPruned():
            return TrialState.PRUNED, {}
        case OutOfTimeError():
            return TrialState.FAIL, {"interruption": str(error)}
        case KeyboardInterrupt() | SystemExit():
            return TrialState.FAIL, {"interruption": "interrupted"}
        case _:
            return TrialState.FAIL, {"failure": one_line(error)}


class Attempt(Callback):
    """One attempt at a trial: learns at every rung, then from all images, and keeps the latest metrics.

    At an early rung a fresh model learns from a share of the images. A share of the tuning slice judges it. The last
    rung of an algorithm that learns in steps lies in the middle of the steps with all images. The others do not. Early
    steps tell little, since the learning rate still rises, or a high one is ahead for that alone.
    """

    def __init__(self, trial: optuna.Trial, queue: TrialQueue, dataset: Dataset) -> None:
        self.trial, self.queue, self.spec, self.dataset = trial, queue, queue.spec, dataset
        self.metrics: dict[str, float] = {}
        self.losses: dict[str, str] = {}  # the encoded `losses` of a trial that learned to the end
        rungs = sorted(RUNGS) if self.spec.prunes else []
        self.middle_rung = rungs.pop() if rungs and learns_in_steps(self.spec.space.algorithm) else None
        self.watches_steps = self.middle_rung is not None
        self.early_rungs = [rung for rung in rungs if len(dataset.train) * rung // WHOLE >= SMALLEST_SHARE]

    @property
    def values(self) -> list[float]:
        """The values of the goals."""
        return values_of(self.spec.objective, self.metrics)

    def learn(self) -> None:
        """Learn and measure; raises TrialPruned for a laggard, OutOfTimeError past the deadline."""
        params = self.spec.space.propose(self.trial)
        self.queue.cache.flush()  # others propose with these in mind
        train, tuning = self.dataset.train, self.dataset.tuning
        for rung in self.early_rungs:
            judges = share_of(tuning, min(SMALLEST_SHARE, len(tuning)))
            trained_model = self._train(params, share_of(train, len(train) * rung // WHOLE), judges, SILENT)
            self._judge(rung, judges.labels, trained_model.tuning_probabilities)
        self._measure(self._train(params, train, tuning, self))

    def _train(self, params: Any, train: Part, tuning: Part, callback: Callback) -> TrainedModel:
        return train_model(self.spec.space.algorithm, params, train, tuning, self.spec.task.protocol.seed, callback)

    def on_epoch(self, step: int, total: int, metrics: Mapping[str, float]) -> None:
        """Check the deadline; raises OutOfTimeError past it."""
        self._check_deadline()

    def on_step(self, step: int, total: int, scores: Callable[[], Scores]) -> None:
        """Judge an algorithm that learns in steps in the middle of them."""
        if self.middle_rung and step == math.ceil(MIDDLE * total):
            labels, logits = self.dataset.tuning.labels, scores()
            self._judge(self.middle_rung, labels, softmax(logits, fit_temperature(logits, labels)))

    def _judge(self, rung: int, labels: Labels, probabilities: Probabilities) -> None:
        """Report the value at a rung; raises TrialPruned where others did better."""
        self.metrics = tuning_metrics(labels, probabilities)
        (value,) = self.values
        self.trial.report(value, rung)
        self._check_deadline()
        if self.trial.should_prune():
            raise optuna.TrialPruned

    def _check_deadline(self) -> None:
        if self.spec.is_late():
            raise OutOfTimeError("the time was up")

    def _measure(self, trained_model: TrainedModel) -> None:
        tuning, probabilities = self.dataset.tuning, trained_model.tuning_probabilities
        self.metrics = tuning_metrics(tuning.labels, probabilities)
        if "latency" in goals(self.spec.objective):
            predict = trained_model.model.predict_proba
            predict(tuning.images[:BATCH])  # a warm-up: work that is done once does not count
            self.metrics["tuning_ms_per_image"] = ms_per_image({"": predict}, tuning.images)[""]
        self.losses = {"losses": encode(signed_losses(probabilities, tuning.labels))}
        if not all(map(math.isfinite, self.metrics.values())):
            raise UserFacingError(f"its figures are not numbers: {self.metrics}")


def share_of(part: Part, size: int) -> Part:
    """A fixed subset of a part with so many images, digits in proportion."""
    return part if size == len(part) else stratified_subset(part, size, 0)


def tuning_metrics(labels: Labels, probabilities: Probabilities) -> dict[str, float]:
    """Accuracy, log loss and calibration error on the tuning slice, under the names that the store knows."""
    return prefixed("tuning", essentials(labels, probabilities))
