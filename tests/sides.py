"""Sides of a comparison in memory: runs as the store tells them, origins and answers, without a store."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from mlflow.entities import Metric, Param, Run, RunData, RunInfo, RunTag

from mnist_mlflow.evaluation.disagreement import Answers
from mnist_mlflow.tracking.origins import Origin
from mnist_mlflow.tracking.sides import Side
from tests.simulated import DIGESTS, Right, labels_of, reads

IMAGES = 200
COMMIT = "a" * 40
FACTS: dict[str, dict[str, str]] = {
    "parameters": {"C": "1", "seed": "0"},
    "data": {"dataset_digest": "d"},
    "code": {"commit": COMMIT, "work tree": "clean"},
    "libraries": {"scikit-learn": "1.9.1", "zipp": "3.0"},
    "machine": {"cores": "2"},
}


def run_of(run_id: str, params: Mapping[str, str] = {}, metrics: Mapping[str, float] = {}, **tags: str) -> Run:
    """A finished run of 90 seconds."""
    made = {"role": "model", "algorithm": "knn", "dataset": "digits", "mlflow.source.git.commit": COMMIT}
    every = {**made, **DIGESTS, **tags}
    return Run(
        RunInfo(run_id, "0", "", "FINISHED", 0, 90_000, "active", "nowhere"),
        RunData(
            [Metric(key, value, 0, 0) for key, value in metrics.items()],
            [Param(key, value) for key, value in {"split_seed": "0", **params}.items()],
            [RunTag(key, value) for key, value in every.items()],
        ),
    )


def side(run_id: str, *rights: Right, **tags: Any) -> Side:
    """A side with one seed for each array of images that are read right."""
    labels = labels_of(IMAGES)
    metrics = [{"val_accuracy": float(right.mean()), "fit_seconds": 2.0} for right in rights]
    runs = tuple(run_of(f"{run_id}{n}", {"seed": str(n)}, one, **tags) for n, one in enumerate(metrics or [{}]))
    origins = tuple(Origin(run, {**FACTS, "parameters": {"C": "1", "seed": run.data.params["seed"]}}) for run in runs)
    answers = Answers(labels, np.stack([reads(labels, right) for right in rights])) if rights else None
    return Side(run_id, runs, origins, answers)


def with_facts(one: Side, kind: str, patch: bytes = b"", **facts: Any) -> Side:
    """A side whose runs have recorded other facts of a kind, or another patch."""
    origins = tuple(
        dataclasses.replace(origin, facts={**origin.facts, kind: {**origin.facts[kind], **facts}}, patch=patch)
        for origin in one.origins
    )
    return dataclasses.replace(one, origins=origins)
