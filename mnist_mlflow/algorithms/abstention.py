"""Abstention, learned: when a model is sure, and what is no digit."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import replace

from mnist_mlflow.algorithms._novelty import learn_novelty
from mnist_mlflow.algorithms.base import TrainedModel
from mnist_mlflow.data import features_of
from mnist_mlflow.evaluation.selective import promises
from mnist_mlflow.model.abstention import Abstention
from mnist_mlflow.model.features import HOG
from mnist_mlflow.types import Part

_logger = logging.getLogger(__name__)


def with_abstention(trained: TrainedModel, train: Part, tuning: Part, max_error: float) -> TrainedModel:
    """The model with its abstention, by the training images and its answers to the tuning slice.

    A warning says so where the slice is too small to promise that error: no answer is sure then.
    """
    started = time.perf_counter()
    novelty = learn_novelty(train, tuning)
    probabilities = trained.tuning_probabilities
    is_near = ~novelty.is_far(features_of(tuning, HOG))
    correct = probabilities.argmax(axis=1) == tuning.labels
    thresholds, promised = promises(probabilities.max(axis=1)[is_near], correct[is_near])
    if promised[0] > max_error:
        _logger.warning(
            "Nothing is sure: %d tuning images cannot promise max_error=%g. They can promise max_error=%g.",
            *(len(tuning), max_error, math.ceil(1000 * promised[0]) / 1000),
        )
    abstention = Abstention(max_error, thresholds, promised, novelty)
    seconds = trained.seconds + time.perf_counter() - started
    return replace(trained, model=replace(trained.model, abstention=abstention), seconds=seconds)
