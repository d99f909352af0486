"""The specification of a search: all that a process needs to join it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mnist_mlflow.algorithms.base import get_algorithm
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset
from mnist_mlflow.search.objectives import goals
from mnist_mlflow.search.space import Space


@dataclass(frozen=True)
class SearchSpec:
    """A search, as every process that takes part in it knows it.

    The study is kept at `storage` under the name `study`, and refused if it is not `about` the same. Its trials belong
    to the run `run_id`. `data` is the address of the data set; `deadline` is in seconds since the epoch.
    """

    task: Task
    study: str
    storage: str
    run_id: str = ""
    data: str = "auto"
    about: Mapping[str, Any] = field(default_factory=dict)
    deadline: float = math.inf
    prune: bool = True

    @property
    def space(self) -> Space:
        """The hyperparameters that may be tried."""
        return Space(get_algorithm(self.task.algorithm), self.task.hyperparameters)

    @property
    def objective(self) -> str:
        """One goal, or two with a comma between them."""
        return self.task.search.objective

    @property
    def n_trials(self) -> int | None:
        """The number of trials in the whole study; None for as many as there is time for."""
        return self.task.protocol.trials or None

    @property
    def prunes(self) -> bool:
        """True where laggards are pruned; with two goals no trial lags behind in both."""
        return self.prune and len(goals(self.objective)) == 1

    def is_late(self) -> bool:
        """True once the deadline has passed."""
        return time.time() > self.deadline


def subject(task: Task, dataset: Dataset) -> dict[str, Any]:
    """The subject of a study: all of its trials are of this algorithm, these images and this objective."""
    return {
        "algorithm": task.algorithm,
        **dataset.digests,
        "split_seed": task.protocol.split_seed,
        "train_size": task.protocol.train_size,
        "objective": task.search.objective,
        "given": dict(task.hyperparameters),
    }
