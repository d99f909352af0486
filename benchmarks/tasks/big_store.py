"""A store as large as a team's after a year: written straight into MLflow's tables, since its client takes minutes.

The models are simulated: each reads a random image wrong with a probability of its own. The most accurate ones keep
their probabilities, as a run does.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.store.db.base_sql_model import Base
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import text

from mnist_mlflow.tracking.results import write_probabilities
from mnist_mlflow.types import Labels

SPLITS = ("split", "split", "split", "other-split")  # one model in four is not comparable
SCORES = ("accuracy", "precision_macro", "recall_macro", "f1_macro", "log_loss", "ece")
METRICS = (*SCORES, *(f"f1_{digit}" for digit in range(10)))
PARAMS = 12
STARTED = 1_700_000_000_000  # milliseconds since the epoch
IMAGES = 10_000
LABELS: Labels = (np.arange(IMAGES) % 10).astype(np.uint8)
STORED = 200  # models, the most accurate, whose probabilities are stored: no selection reads as many


def fill(store: str, folder: str, runs: int, models: int, address: str = "") -> None:
    """Fill the store with so many runs, so many of them with a model; the others are trials.

    The store is made if it is not there. Artifacts go into the folder, which has that address.
    """
    artifacts, random = Path(folder), np.random.default_rng(0)
    accuracies = np.round(0.97 + 0.025 * random.beta(4, 2, models), 4)
    rows: dict[str, list[dict[str, Any]]] = {}
    for number in range(runs):
        accuracy = float(accuracies[number]) if number < models else None
        for table, row in _run(number, accuracy, address or folder):
            rows.setdefault(table, []).append(row)
    backend = SqlAlchemyStore(store, folder)
    with backend.engine.begin() as connection:
        for table, values in rows.items():  # those that others refer to come first
            connection.execute(Base.metadata.tables[table].insert(), values)
        if connection.dialect.name == "postgresql":
            connection.execute(text("ANALYZE"))  # which the server does by itself before long
    for number in np.argsort(-accuracies, kind="stable")[:STORED]:
        _write_probabilities(artifacts / _run_id(int(number)), float(accuracies[number]), random)


def _run_id(number: int) -> str:
    return uuid.UUID(int=number + 1).hex


def _write_probabilities(folder: Path, accuracy: float, random: np.random.Generator) -> None:
    """Probabilities of a model with just this accuracy; as many digits of them are noise as with a real one."""
    rows = random.dirichlet(np.full(10, 0.05), IMAGES)
    rows.sort(axis=1)  # the last is the largest: put it where it is to be
    wrong = random.permutation(IMAGES)[: round((1 - accuracy) * IMAGES)]
    read = LABELS.copy()
    read[wrong] = (read[wrong] + 1) % 10
    image = np.arange(IMAGES)
    rows[image, -1], rows[image, read] = rows[image, read].copy(), rows[image, -1].copy()
    folder.mkdir(parents=True)
    write_probabilities(folder, "validation", LABELS, rows)


def _run(number: int, accuracy: float | None, address: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a run, each with the name of its table."""
    run = _run_id(number)
    where = {"run_uuid": run, "artifact_uri": f"{address}/{run}", "experiment_id": 0, "lifecycle_stage": "active"}
    who = {"name": f"run-{number}", "source_type": "PROJECT", "user_id": "somebody", "status": "FINISHED"}
    yield "runs", {**where, **who, "start_time": STARTED + number, "end_time": STARTED + number + 1}
    tags = {"role": "trial" if accuracy is None else "model", "algorithm": "knn", "dataset": "mnist"}
    tags |= {"dataset_digest": "data", "split_digest": SPLITS[number % len(SPLITS)]}
    for key, value in tags.items():
        yield "tags", {"key": key, "value": value, "run_uuid": run}
    for index in range(PARAMS):
        yield "params", {"key": f"param_{index}", "value": str(index), "run_uuid": run}
    for key in METRICS:
        metric = {"key": f"val_{key}", "value": _value(key, accuracy), "timestamp": STARTED, "step": 0, "is_nan": False}
        yield "latest_metrics", {**metric, "run_uuid": run}
        yield "metrics", {**metric, "run_uuid": run}
    if accuracy is not None:
        yield from _model(run, tags, accuracy)


def _value(metric: str, accuracy: float | None) -> float:
    if accuracy is None or metric == "ece":
        return 0.01
    return 1 - accuracy if metric == "log_loss" else accuracy


def _model(run: str, tags: dict[str, str], accuracy: float) -> Iterator[tuple[str, dict[str, Any]]]:
    model = {"model_id": f"m-{run}", "experiment_id": 0}
    what = {"name": "knn", "model_type": "knn", "artifact_location": f"/nowhere/m-{run}", "source_run_id": run}
    times = {"creation_timestamp_ms": STARTED, "last_updated_timestamp_ms": STARTED}
    yield "logged_models", {**model, **what, **times, "status": 2, "lifecycle_stage": "active"}
    for key, value in tags.items():
        yield "logged_model_tags", {**model, "tag_key": key, "tag_value": value}
    for key in METRICS:
        metric = {"metric_name": f"val_{key}", "metric_timestamp_ms": STARTED, "metric_step": 0}
        yield "logged_model_metrics", {**model, "run_id": run, **metric, "metric_value": _value(key, accuracy)}
    ends = {"source_type": "RUN_OUTPUT", "source_id": run, "destination_type": "MODEL_OUTPUT"}
    yield "inputs", {"input_uuid": uuid.uuid4().hex, **ends, "destination_id": f"m-{run}", "step": 0}
