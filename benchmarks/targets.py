"""Targets: what is compared, and what is to be reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """An algorithm of ours, the peer of the same name, and the targets.

    `accuracy` is in percent. `fit` and `predict` say how many times as fast as the peer ours has to be (a third: it
    may take three times as long). A row with `seeds` runs ours once with each. Its peer is that of the row that bears
    the algorithm's name.
    """

    name: str
    algorithm: str
    accuracy: float
    fit: float | None = None
    predict: float | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()


ROWS = {
    row.name: row
    for row in (
        Row("logistic", "logistic", 99.0, fit=1 / 3),
        Row("knn", "knn", 99.0, predict=5),
        Row("svm", "svm", 99.5, fit=8, predict=100),
        Row("forest", "forest", 98.4, fit=1),
        Row("xgboost", "xgboost", 99.3, fit=3),
        Row("mlp", "mlp", 99.2, fit=1),
        Row("cnn", "cnn", 99.3, fit=8),
        Row("cnn accurate", "cnn", 99.65, fit=1 / 3, params={"recipe": "accurate"}, seeds=(0, 1, 2)),
    )
}
ALGORITHMS = tuple(row.name for row in ROWS.values() if not row.seeds)
ACCURATE = ROWS["cnn accurate"]
# More voters of the ensemble: accurate networks that see the images as they are, through kernels of other sizes, with
# seeds that no other network has.
OTHER_VIEWS = tuple({**ACCURATE.params, "features": "pixels", "kernel_size": size, "seed": size} for size in (3, 5, 7))
ENSEMBLE_ACCURACY = 99.70  # percent
CALIBRATION = 0.5  # points of calibration error that any model may have
SEARCH_RATIO = 3  # how many times as many trials a search that breaks off laggards has to end in the same time
WORKERS = 2  # of a search, each with its share of the cores
TRIAL_MS = 60  # that Optuna and MLflow may take of a trial
MOST_FALSE, LEAST_POWER = 0.05, 0.9  # of two models, how often the better-looking one is called better
RANK_SECONDS = 1.5  # for 10,000 runs and 2,000 models
START_SECONDS = 0.5  # that importing the package, and --help, may take at most


def name_run(algorithm: str, params: Mapping[str, Any]) -> str:
    """The name under which the report lists a run; networks of the accurate recipe are told apart."""
    if params.get("recipe") != "accurate":
        return algorithm
    if params.get("features") == "pixels":
        return f"{ACCURATE.name} on pixels, kernel {params['kernel_size']}"
    return f"{ACCURATE.name}, seed {params['seed']}"
