"""Abstention, learned: when a model is sure, and what is no digit."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms._novelty import learn_novelty
from mnist_mlflow.algorithms.base import TrainedModel
from mnist_mlflow.evaluation.selective import promises
from mnist_mlflow.model.abstention import Abstention
from mnist_mlflow.types import Part

_logger = logging.getLogger(__name__)


def with_abstention(trained: TrainedModel, train: Part, tuning: Part, max_error: float) -> TrainedModel:
    """The model with its abstention, by the training images and its answers to the tuning slice.

    A warning says why where the slice cannot promise that error, and which it can: no answer is sure then.
    """
    started = time.perf_counter()
    novelty, is_near = learn_novelty(train, tuning)
    probabilities = trained.tuning_probabilities[is_near]
    correct = probabilities.argmax(axis=1) == tuning.labels[is_near]
    thresholds, promised = promises(probabilities.max(axis=1), correct)
    if promised[0] > max_error:
        _logger.warning("%s", _why_nothing_is_sure(correct, float(promised[0]), max_error))
    abstention = Abstention(max_error, thresholds, promised, novelty)
    seconds = trained.seconds + time.perf_counter() - started
    return replace(trained, model=replace(trained.model, abstention=abstention), seconds=seconds)


def _why_nothing_is_sure(correct: npt.NDArray[np.bool_], least: float, max_error: float) -> str:
    """Too few tuning images, or mistakes on them; and the `least` error that they promise, rounded up, to type."""
    if 1 / (len(correct) + 1) > max_error:
        reason = f"{len(correct)} tuning images are too few to promise max_error={max_error:g}."
    else:
        wrong = int((~correct).sum())
        reason = (
            f"of {len(correct)} tuning images {wrong} are misread, some with so much confidence that "
            f"max_error={max_error:g} cannot be promised."
        )
    return f"Nothing is sure: {reason} The least that can be promised is max_error={math.ceil(1000 * least) / 1000:g}"
