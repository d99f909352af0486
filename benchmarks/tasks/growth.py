"""One fit of an algorithm on so many images."""

from typing import Any

import numpy as np

from benchmarks.process import timed
from benchmarks.tasks.rows import learn, load_peer
from mnist_mlflow.data import load_dataset
from mnist_mlflow.data.mnist import load_mnist
from mnist_mlflow.types import Part, silent

PROTOCOL_TEACHES = 45_000  # images at most
TUNING = 5_000
PREDICTED = 10_000  # as many as there are validation images


def fit(algorithm: str, size: int) -> dict[str, Any]:
    """Learn from `size` images; scored on the validation images where those have not been learned."""
    load_peer(algorithm)
    train, tuning, validation = split_parts(size)
    trained, fit_seconds = timed(lambda: learn(algorithm, train, tuning, 0))
    images = (validation or train).images[:PREDICTED]  # it takes no less time where they have been learned
    probabilities, predict_seconds = timed(lambda: trained.model.predict_proba(images))
    record = {"algorithm": algorithm, "size": size, "fit_seconds": fit_seconds, "predict_seconds": predict_seconds}
    if validation:
        record["error"] = float(np.mean(probabilities.argmax(axis=1) != validation.labels))
    return record


def split_parts(size: int) -> tuple[Part, Part, Part | None]:
    """The images that teach, tune and validate; none validate where the protocol does not teach as many."""
    if size <= PROTOCOL_TEACHES:
        dataset = load_dataset("mnist", 0, size)
        return _alone(dataset.train), _alone(dataset.tuning), dataset.validation
    train, _ = load_mnist(silent)
    order = np.random.default_rng(0).permutation(len(train))[:size]
    return _alone(train[order]), _alone(train[order[-TUNING:]]), None


def _alone(part: Part) -> Part:
    """The same images, no longer part of a larger set, so that no features but theirs are computed."""
    return Part(part.images, part.labels)
