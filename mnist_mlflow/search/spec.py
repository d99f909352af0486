"""What is searched, in which study and until when: all that a process needs to join the search."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mnist_mlflow.algorithms.base import get_algorithm
from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.protocol import Task
from mnist_mlflow.search.objectives import goals
from mnist_mlflow.search.space import Space


@dataclass(frozen=True)
class SearchSpec:
    """A search, in a form that other processes can unpickle.

    `data` is the data set as it was found, `about` what the study must be about to be the right one, `run_id` the run
    that the trials belong to, `deadline` the end of the search in seconds since the epoch.
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
        return Space(get_algorithm(self.task.algorithm), self.task.given)

    @property
    def objective(self) -> str:
        """One goal, or two with a comma between them."""
        return self.task.search.objective

    @property
    def seed(self) -> int:
        """The seed of the learning, and of the proposals."""
        return self.task.protocol.seed

    @property
    def workers(self) -> int:
        """The number of processes that try at the same time."""
        return self.task.search.workers

    @property
    def wanted(self) -> int | None:
        """The number of trials that the study is to have in all; None: as many as there is time for."""
        return self.task.protocol.trials or None

    @property
    def prunes(self) -> bool:
        """True where laggards are pruned: with two goals, no trial lags behind in all."""
        return self.prune and len(goals(self.objective)) == 1

    def is_late(self) -> bool:
        """True once the deadline has passed."""
        return time.time() > self.deadline

    def load_dataset(self) -> Dataset:
        """The data set, in another process."""
        return load_dataset(self.data, self.task.protocol.split_seed, self.task.protocol.train_size)
