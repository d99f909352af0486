"""Configurations: all that makes a training run but its seed. Runs that share one differ in nothing else."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from mnist_mlflow.algorithms.base import engine, get_algorithm
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset
from mnist_mlflow.tracking import provenance

CONFIGURATION = "configuration"  # the tag
NOT_OF_IT = ("seed", "data")  # the digests tell the data: `auto` and `mnist` may be the same


def configuration(task: Task, params: Any, dataset: Dataset) -> str:
    """The digest of an algorithm, all of its parameters but the seed, data set, split, library and code."""
    settings = {name: str(value) for name, value in task.logged_params(params).items() if name not in NOT_OF_IT}
    library = engine(get_algorithm(task.algorithm).LIBRARY)
    parts = [task.algorithm, settings, *dataset.digests.values(), library, provenance.code_digest()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
