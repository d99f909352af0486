"""One run: data, search if wanted, fit, and all of it recorded."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mnist_mlflow.algorithms.base import Watch, get_algorithm, resolve
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.jobs.recording import Fitted, Learned, RunResult, record, record_data
from mnist_mlflow.model.digit_model import save_model
from mnist_mlflow.processes import this_process
from mnist_mlflow.protocol import NEW_STUDY, SearchResult
from mnist_mlflow.tracking.runs import Run, open_run
from mnist_mlflow.types import Progress


def train(task: Task, progress: Progress) -> RunResult:
    """Train one algorithm in a run of its own; raises UserFacingError when it cannot learn."""
    algorithm, protocol = get_algorithm(task.algorithm), task.protocol
    tags = {"algorithm": task.algorithm, "role": "model", "command": task.command(), **_search_tags(task)}
    with open_run(task.algorithm, tags) as run:
        dataset = load_dataset(protocol.data, protocol.split_seed, protocol.train_size, progress)
        validation = record_data(run, dataset, algorithm.__doc__)
        found = _search(run, task, dataset, progress)
        params = found.params
        searched = dataclasses.asdict(task.search) if task.searches else {}
        learned_with = dataclasses.asdict(protocol) | searched | dataclasses.asdict(params)
        with run.tracking():
            run.log_params(learned_with)
        fitted = fit(task, params, dataset, progress)

        def save(folder: Path) -> None:
            save_model(folder, task.algorithm, params, protocol.seed, fitted.classifier)

        outcome = record(run, Learned(task.algorithm, fitted, learned_with, save), dataset, validation, progress)
        return dataclasses.replace(outcome, resume_command=found.resume_command)


def _search_tags(task: Task) -> dict[str, str]:
    """From its first moment on a search is known by these: a killed one can be closed when its study goes on."""
    if not task.searches:
        return {}
    named = {} if task.search.study == NEW_STUDY else {"study": task.search.study}
    return {"owner": json.dumps(this_process()), **named}


def _search(run: Run, task: Task, dataset: Dataset, progress: Progress) -> SearchResult:
    if not task.searches:
        return SearchResult(resolve(get_algorithm(task.algorithm), task.given))
    from mnist_mlflow.jobs.search import search_in  # with Optuna, which takes its time to load

    return search_in(run, task, dataset, progress)


class Curves(Watch):
    """Keeps the learning curves, and tells how far the learning is."""

    def __init__(self, what: str, progress: Progress) -> None:
        self.what, self.progress = what, progress
        self.curves: dict[str, list[tuple[int, float]]] = {}

    def note(self, step: int, total: int, metrics: Mapping[str, float]) -> None:
        """Keep the metrics after a step."""
        for name, value in metrics.items():
            self.curves.setdefault(name, []).append((step, float(value)))
        self.progress(self.what, step, total)


def fit(task: Task, params: Any, dataset: Dataset, progress: Progress) -> Fitted:
    """Build the classifier and let it learn; raises UserFacingError, with the reason, when it cannot."""
    watch = Curves(f"fit {task.algorithm}", progress)
    progress(f"fit {task.algorithm}", 0, 0)
    try:
        classifier = get_algorithm(task.algorithm).build(params, task.protocol.seed)
        started = time.perf_counter()
        classifier.fit(dataset.train, dataset.tuning, watch)
    except (ValueError, MemoryError) as error:
        raise UserFacingError(f"{task.algorithm} cannot learn with {params}: {one_line(error)}") from error
    progress(f"fit {task.algorithm}", 1, 1)
    return Fitted(classifier, time.perf_counter() - started, watch.curves)
