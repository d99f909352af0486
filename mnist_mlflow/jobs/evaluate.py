"""Score any logged or registered model on the test images."""

from __future__ import annotations

from dataclasses import dataclass

from mnist_mlflow.parameters import parameters, text
from mnist_mlflow.protocol import SplitOptions
from mnist_mlflow.selection.test_images import evaluate
from mnist_mlflow.tracking.registry import CHAMPION_URI
from mnist_mlflow.types import Progress


@parameters
class Params(SplitOptions):
    """The options."""

    model: str = text(CHAMPION_URI, ".+", "the URI of a model", "which model")


@dataclass(frozen=True)
class Evaluation:
    """A model and its test metrics."""

    model: str
    metrics: dict[str, float]


def run(params: Params, progress: Progress) -> Evaluation:
    """Score the model in a run of its own; raises UsageError for a model that may have learned the test images."""
    return Evaluation(params.model, evaluate(params.model, params.data, params.split_seed, progress))
