"""One run: data, search if wanted, fit, evaluation, and all of it logged."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mnist_mlflow.algorithms.base import Classifier, get_algorithm
from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.errors import Failure, one_line
from mnist_mlflow.evaluation.metrics import prefixed, score
from mnist_mlflow.evaluation.plots import pictures
from mnist_mlflow.model import save_model
from mnist_mlflow.protocol import Protocol
from mnist_mlflow.search import search
from mnist_mlflow.tracking.models import log_model
from mnist_mlflow.tracking.results import Evaluation, as_metrics, dataset_tags, log_data, write_evaluation
from mnist_mlflow.tracking.runs import Run, open_run
from mnist_mlflow.tracking.trials import log_trial
from mnist_mlflow.types import Part, Progress, silent


@dataclass(frozen=True)
class Task:
    """What to train: an algorithm with the hyperparameters that were given (others have their defaults)."""

    algorithm: str
    given: Mapping[str, Any] = field(default_factory=dict)
    protocol: Protocol = field(default_factory=Protocol)


@dataclass(frozen=True)
class Outcome:
    """Where the run is, and how well its model does on the validation images."""

    run_id: str
    model_id: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class Fitted:
    """A classifier that has learned, and how that went."""

    classifier: Classifier
    curves: dict[str, list[tuple[int, float]]]
    seconds: float


def train(task: Task, progress: Progress) -> Outcome:
    """Train one algorithm in a run of its own; raises Failure when it cannot learn."""
    protocol = task.protocol
    with open_run(task.algorithm, {"algorithm": task.algorithm, "role": "model"}) as run:
        dataset = load_dataset(protocol.data, protocol.split_seed, protocol.train_size, progress)
        with run.tracking():
            run.set_tags(dataset_tags(dataset))
            run.describe(get_algorithm(task.algorithm).__doc__)
            validation = log_data(dataset)
        params = _search(run, task, dataset, progress) if protocol.trials else _given(task)
        with run.tracking():
            run.log_params(_resolved(task, params))
        fitted = fit(task, params, dataset, progress)
        metrics, evaluation = _evaluate(task.algorithm, fitted, dataset.validation, progress)
        with run.tracking():
            with run.files() as folder:
                write_evaluation(folder, evaluation)
            model_id, metrics["model_mb"] = _log_model(task, params, fitted.classifier, dataset)
        metrics["tracking_seconds"] = run.tracking_seconds
        run.log_metrics(as_metrics(run, metrics, model_id, validation, fitted.curves))
        return Outcome(run.id, model_id, metrics)


def _evaluate(algorithm: str, fitted: Fitted, part: Part, progress: Progress) -> tuple[dict[str, float], Evaluation]:
    started = time.perf_counter()
    probabilities = fitted.classifier.predict_proba(part.images, progress)
    seconds = time.perf_counter() - started
    metrics = prefixed("val", score(part.labels, probabilities))
    metrics["fit_seconds"] = fitted.seconds
    metrics["predict_ms_per_image"] = 1000 * seconds / len(part)
    title = f"{algorithm}, {len(part):,} validation images"
    return metrics, Evaluation(part.labels, probabilities, pictures(part, probabilities, fitted.curves, title))


def _given(task: Task) -> Any:
    return get_algorithm(task.algorithm).Params(**task.given)


def _resolved(task: Task, params: Any) -> dict[str, object]:
    return dataclasses.asdict(task.protocol) | dataclasses.asdict(params)


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
    return Fitted(classifier, curves, time.perf_counter() - started)


def _search(run: Run, task: Task, dataset: Dataset, progress: Progress) -> Any:
    tags = dataset_tags(dataset) | {"algorithm": task.algorithm}
    tuning = dataset.tuning

    def objective(number: int, params: Any) -> float:
        progress("trials", number, task.protocol.trials)
        started, metrics, failure = time.perf_counter(), {}, ""
        try:
            classifier = fit(task, params, dataset, silent).classifier
            metrics = prefixed("tuning", score(tuning.labels, classifier.predict_proba(tuning.images)))
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


def _log_model(task: Task, params: Any, classifier: Classifier, dataset: Dataset) -> tuple[str, float]:
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "digit_model"
        save_model(folder, task.algorithm, params, task.protocol.seed, classifier)
        megabytes = sum(file.stat().st_size for file in folder.rglob("*")) / 1e6
        tags = dataset_tags(dataset) | {"algorithm": task.algorithm, "split_seed": str(task.protocol.split_seed)}
        return log_model(folder, task.algorithm, _resolved(task, params), classifier, tags), megabytes
