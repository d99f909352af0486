"""One run: data, search if wanted, fit, and all of it recorded."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mnist_mlflow.algorithms.base import get_algorithm, resolve
from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.errors import Failure, one_line
from mnist_mlflow.evaluation.metrics import prefixed, score
from mnist_mlflow.model import save_model
from mnist_mlflow.protocol import Protocol
from mnist_mlflow.recording import Fitted, Learned, Outcome, record, record_data
from mnist_mlflow.search import search
from mnist_mlflow.tracking.results import dataset_tags
from mnist_mlflow.tracking.runs import Run, open_run
from mnist_mlflow.tracking.trials import log_trial
from mnist_mlflow.types import Progress, silent


@dataclass(frozen=True)
class Task:
    """What to train: an algorithm with the hyperparameters that were given (others have their defaults)."""

    algorithm: str
    given: Mapping[str, Any] = field(default_factory=dict)
    protocol: Protocol = field(default_factory=Protocol)


def train(task: Task, progress: Progress) -> Outcome:
    """Train one algorithm in a run of its own; raises Failure when it cannot learn."""
    algorithm, protocol = get_algorithm(task.algorithm), task.protocol
    with open_run(task.algorithm, {"algorithm": task.algorithm, "role": "model"}) as run:
        dataset = load_dataset(protocol.data, protocol.split_seed, protocol.train_size, progress)
        validation = record_data(run, dataset, algorithm.__doc__)
        params = _search(run, task, dataset, progress) if protocol.trials else resolve(algorithm, task.given)
        learned_with = dataclasses.asdict(protocol) | dataclasses.asdict(params)
        with run.tracking():
            run.log_params(learned_with)
        fitted = fit(task, params, dataset, progress)

        def save(folder: Path) -> None:
            save_model(folder, task.algorithm, params, protocol.seed, fitted.classifier)

        return record(run, Learned(task.algorithm, fitted, learned_with, save), dataset, validation, progress)


def fit(task: Task, params: Any, dataset: Dataset, progress: Progress) -> Fitted:
    """Build the classifier and let it learn; raises Failure, with the reason, when it cannot."""
    curves: dict[str, list[tuple[int, float]]] = {}

    def report(step: int, total: int, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            curves.setdefault(name, []).append((step, float(value)))
        progress(f"fit {task.algorithm}", step, total)

    progress(f"fit {task.algorithm}", 0, 0)
    try:
        classifier = get_algorithm(task.algorithm).build(params, task.protocol.seed)
        started = time.perf_counter()
        classifier.fit(dataset.train, dataset.tuning, report)
    except (ValueError, MemoryError) as error:
        raise Failure(f"{task.algorithm} cannot learn with {params}: {one_line(error)}") from error
    progress(f"fit {task.algorithm}", 1, 1)
    return Fitted(classifier, time.perf_counter() - started, curves)


def _search(run: Run, task: Task, dataset: Dataset, progress: Progress) -> Any:
    tags = dataset_tags(dataset) | {"algorithm": task.algorithm}
    tuning = dataset.tuning

    def objective(number: int, params: Any) -> float:
        progress("trials", number, task.protocol.trials)
        started, metrics, failure = time.perf_counter(), {}, ""
        try:
            classifier = fit(task, params, dataset, silent).classifier
            metrics = prefixed("tuning", score(tuning.labels, classifier.tuning_probabilities))
            return metrics["tuning_log_loss"]
        except BaseException as error:
            failure = one_line(error)
            raise
        finally:
            seconds = time.perf_counter() - started
            with run.tracking():
                log_trial(run, number, seconds, tags, dataclasses.asdict(params), metrics, failure)
            progress("trials", number + 1, task.protocol.trials)

    return search(get_algorithm(task.algorithm), task.given, task.protocol.trials, task.protocol.seed, objective)
