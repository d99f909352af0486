"""Trying hyperparameters, one trial at a time, in this process."""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna

from mnist_mlflow.algorithms.base import WHOLE, Classifier, Watch, get_algorithm
from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.evaluation.metrics import essentials, prefixed
from mnist_mlflow.processes import this_process
from mnist_mlflow.search.objectives import goals, values
from mnist_mlflow.search.pruning import STAGES
from mnist_mlflow.search.queue import claim, experimenting
from mnist_mlflow.search.space import Space
from mnist_mlflow.search.studies import Plan, open_study
from mnist_mlflow.types import Labels, Part, Probabilities

TIMED, TIMES = 1_000, 3  # images, and how often they are read


@dataclass(frozen=True)
class Job:
    """What is searched, for whom, and until when (seconds since the epoch); goes to other processes."""

    algorithm: str
    given: Mapping[str, Any]
    seed: int
    plan: Plan
    run: str
    deadline: float = math.inf

    @property
    def space(self) -> Space:
        """What may be tried."""
        return Space(get_algorithm(self.algorithm), self.given)

    def is_late(self) -> bool:
        """Whether the time is up."""
        return time.time() > self.deadline


class OutOfTimeError(Exception):
    """The search has to end before the trial does."""


class Trier:
    """Tries what the study proposes. `begun` is called when a trial is under way."""

    def __init__(self, job: Job, dataset: Dataset, begun: Callable[[], None] = lambda: None) -> None:
        self.job, self.dataset, self.begun = job, dataset, begun
        self.space, self.owner = job.space, this_process()
        self.study = open_study(job.plan)
        self.trial: optuna.Trial | None = None

    def try_next(self) -> None:
        """One trial; it may fail, which is written down. Raises KeyboardInterrupt alone."""
        self.trial = None
        try:
            with experimenting():
                self.study.optimize(self._try, n_trials=1, catch=(Exception,))
        except (ValueError, optuna.exceptions.UpdateFinishedTrialError):
            if not self._was_given_up():
                raise

    def _was_given_up(self) -> bool:
        """Whether the trial was ended by others, to whom this process gave no sign of life: after a sleep, perhaps."""
        trials = self.study.get_trials(deepcopy=False)
        return self.trial is not None and trials[self.trial.number].state.is_finished()

    def _try(self, trial: optuna.Trial) -> list[float]:
        self.trial = trial
        try:
            claim(trial, self.owner, self.job.run)
        finally:
            self.begun()  # somebody waits to hear it, whatever becomes of the trial
        ended: dict[str, Any] = {"metrics": {}}
        started = time.perf_counter()
        try:
            classifier = self._learn(trial, ended)
            return values(self.job.plan.objective, self._measure(classifier, ended))
        except optuna.TrialPruned:
            raise
        except OutOfTimeError as error:
            ended["interruption"] = str(error)
            raise
        except (KeyboardInterrupt, SystemExit):
            ended["interruption"] = "interrupted"
            raise
        except Exception as error:
            ended["failure"] = one_line(error)
            raise
        finally:
            trial.set_user_attr("outcome", {**ended, "seconds": time.perf_counter() - started})

    def _learn(self, trial: optuna.Trial, ended: dict[str, Any]) -> Classifier:
        params = self.space.propose(trial)
        classifier = self.space.algorithm.build(params, self.job.seed)
        watch = TrialWatch(trial, self.job, ended)
        return classifier.fit(self.dataset.train, self.dataset.tuning, watch)

    def _measure(self, classifier: Classifier, ended: dict[str, Any]) -> dict[str, float]:
        metrics = figures(self.dataset.tuning.labels, classifier.tuning_probabilities)
        if "latency" in goals(self.job.plan.objective):
            metrics["tuning_ms_per_image"] = latency(classifier, self.dataset.tuning)
        ended["metrics"] = metrics
        ended["losses"] = encode(losses(classifier.tuning_probabilities, self.dataset.tuning.labels))
        if not all(map(math.isfinite, metrics.values())):
            raise UserFacingError(f"its figures are not numbers: {metrics}")
        return metrics


class TrialWatch(Watch):
    """Tells the study how a trial comes on, and breaks it off where it lags behind or the time is up."""

    def __init__(self, trial: optuna.Trial, job: Job, ended: dict[str, Any]) -> None:
        self.trial, self.job, self.ended = trial, job, ended
        self.stages = tuple(STAGES) if job.plan.prunes else ()

    def note(self, step: int, total: int, metrics: Mapping[str, float]) -> None:
        """Look at the clock; raises OutOfTimeError."""
        if self.job.is_late():
            raise OutOfTimeError("the time was up")

    def judge(self, stage: int, labels: Labels, probabilities: Probabilities) -> None:
        """Report what a stage gave; raises TrialPruned where others did better."""
        metrics = figures(labels, probabilities)
        (value,) = values(self.job.plan.objective, metrics)
        self.trial.report(value, stage)
        self.ended["metrics"] = metrics
        self.note(stage, WHOLE, metrics)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def figures(labels: Labels, probabilities: Probabilities) -> dict[str, float]:
    """What is kept of a trial: how well it does on the tuning slice."""
    return prefixed("tuning", essentials(labels, probabilities))


def latency(classifier: Classifier, part: Part) -> float:
    """Milliseconds an image, from raw pixels on, the best of some readings of a thousand."""
    images = part.images[:TIMED]
    read = partial(classifier.predict_proba, images)
    read()  # what is done once is not timed
    return 1000 * min(_seconds(read) for _ in range(TIMES)) / len(images)


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def losses(probabilities: Probabilities, labels: Labels) -> npt.NDArray[np.float16]:
    """The log loss of each image (n,), negative where the digit was misread: what two trials are compared by."""
    rows = np.arange(len(labels))
    lost = np.abs(np.log(np.maximum(probabilities[rows, labels], np.finfo(np.float32).tiny)))
    return np.where(probabilities.argmax(axis=1) == labels, lost, -lost).astype(np.float16)


def encode(array: npt.NDArray[np.float16]) -> str:
    """An array as text, which is all that a study keeps."""
    return base64.b64encode(array.astype("<f2").tobytes()).decode()


def decode(text: str) -> npt.NDArray[np.float64]:
    """What `encode` made text of, as float64."""
    return np.frombuffer(base64.b64decode(text), "<f2").astype(np.float64)
