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
MAX_ERRORS = (0.01, 0.001)  # of a model that is sure
WILD = {  # accuracy on other people's digits, in percent
    **{"photos": 97.0, "drawn": 98.0, "own cuts": 99.0, "sudoku by hand": 97.0, "USPS": 98.3, "semeion": 93.0},
}
WILD_MODELS = {"svm": 0.0, "mlp": 0.0, "cnn": 2.0, "cnn accurate, seed 0": 0.0, "ensemble": 0.0}  # points less that do
WILD_ERRORS, WILD_COVERAGE = 0.015, 0.9  # of the sure ones of each set, with the first of MAX_ERRORS
TEST_COVERAGE = 0.97  # of MNIST's test images without an error, with the second
LETTERS = 0.15  # of them that a model may be sure of
IMAGE_MS, PHOTO_MS = 0.03, 200  # to bring an image, and a photo of 12 megapixels, into the form of MNIST
SEARCH_RATIO = 3  # how many times as many trials a search that prunes laggards has to end in the same time
WORKERS = 2  # of a search, each with its share of the cores
TRIAL_MS = 40  # that Optuna and MLflow may take of a trial
MOST_FALSE, LEAST_POWER = 0.05, 0.9  # of two models, how often the better-looking one is called better
RANK_SECONDS = 1.5  # for 10,000 runs and 2,000 models
REQUEST_MS, SLOWEST_MS = 4, 10  # of a request with one image: the median, and 99 in 100
REQUESTS_A_SECOND = 250  # of eight clients
THOUSAND_MS = 120  # for a request with a thousand images, beyond reading its JSON
LOAD_SECONDS, MEMORY_MB = 1.0, 450  # of a model, after MLflow is imported
SINGLE_MS, BATCHED_MS = 0.5, 0.06  # an image, alone and in a thousand
ENSEMBLE_MS, MEMBERS = 3.0, 8
INSTALL_SHARE = 1 / 3  # of the seconds and megabytes that a network's environment took with TensorFlow
START_SECONDS = 0.5  # that importing the package, and --help, may take at most


def name_run(algorithm: str, params: Mapping[str, Any]) -> str:
    """The name under which the report lists a run; networks of the accurate recipe are told apart."""
    if params.get("recipe") != "accurate":
        return algorithm
    if params.get("features") == "pixels":
        return f"{ACCURATE.name} on pixels, kernel {params['kernel_size']}"
    return f"{ACCURATE.name}, seed {params['seed']}"
