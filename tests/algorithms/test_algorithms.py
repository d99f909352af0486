"""What every algorithm promises, asked of each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from mnist_mlflow.algorithms.base import Classifier, Watch, algorithm_names, get_algorithm
from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.parameters import parameters_of, parse

# Enough for 500 images, where the defaults are made for 45,000.
SMALL: dict[str, dict[str, Any]] = {
    "mlp": {"epochs": 12, "batch_size": 32, "units": 128},
    "cnn": {"epochs": 12, "batch_size": 32},
}
FIRST_IMAGES = 60


def build(name: str, seed: int = 0, **given: Any) -> Classifier:
    algorithm = get_algorithm(name)
    return algorithm.build(algorithm.Params(**(SMALL.get(name, {}) | given)), seed)


class Noted(Watch):
    """What is said while a classifier learns."""

    def __init__(self) -> None:
        self.metrics: list[dict[str, float]] = []

    def note(self, step: int, total: int, metrics: Mapping[str, float]) -> None:
        self.metrics.append(dict(metrics))

    @property
    def losses(self) -> list[float]:
        return [metrics["epoch_val_loss"] for metrics in self.metrics]


@pytest.fixture(scope="module", params=algorithm_names())
def learned(request: pytest.FixtureRequest, digits: Dataset) -> tuple[str, Classifier, list[dict[str, float]]]:
    """Each algorithm, having learned 500 digits, with what it reported."""
    noted, name = Noted(), str(request.param)
    return name, build(name).fit(digits.train, digits.tuning, noted), noted.metrics


Learned = tuple[str, Classifier, list[dict[str, float]]]


def test_learns_500_digits(learned: Learned, digits: Dataset) -> None:
    probabilities = learned[1].predict_proba(digits.validation.images)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.argmax(axis=1) == digits.validation.labels).mean() > 0.93


def test_one_image_is_read_as_in_a_batch(learned: Learned, digits: Dataset) -> None:
    images = digits.validation.images[:FIRST_IMAGES]
    batch = learned[1].predict_proba(images)
    singles = np.concatenate([learned[1].predict_proba(image[None]) for image in images[:10]])
    assert np.allclose(batch[:10], singles, atol=1e-5)


def test_what_was_learned_can_be_kept(learned: Learned, digits: Dataset, tmp_path: Path) -> None:
    name, classifier, _ = learned
    classifier.save(tmp_path)
    images = digits.validation.images[:FIRST_IMAGES]
    assert np.array_equal(build(name).restore(tmp_path).predict_proba(images), classifier.predict_proba(images))
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".pkl", ".joblib", ".pickle")]


def test_the_same_seed_learns_the_same(learned: Learned, digits: Dataset) -> None:
    name, classifier, _ = learned
    again = build(name).fit(digits.train, digits.tuning)
    images = digits.validation.images
    assert np.array_equal(again.predict_proba(images), classifier.predict_proba(images))


@pytest.mark.parametrize("name", ["cnn", "forest", "mlp", "xgboost"])
def test_another_seed_learns_otherwise(name: str, digits: Dataset) -> None:
    given = {"epochs": 1} if name in SMALL else {}
    images = digits.validation.images[:FIRST_IMAGES]
    first, second = (build(name, seed, **given).fit(digits.train, digits.tuning) for seed in (0, 1))
    assert not np.array_equal(first.predict_proba(images), second.predict_proba(images))


def test_reports_curves_where_there_are_steps(learned: Learned) -> None:
    name, _, reports = learned
    if name in ("cnn", "mlp", "xgboost"):
        assert {"train_loss", "epoch_val_loss", "epoch_val_accuracy"} <= set(reports[0])
        assert reports[-1]["train_loss"] < reports[0]["train_loss"]
    else:
        assert reports == []


@pytest.mark.parametrize(("name", "given"), [("mlp", {"epochs": 40}), ("cnn", {"epochs": 40, "label_smoothing": 0.1})])
def test_a_network_stops_early_and_keeps_its_best_epoch(name: str, given: dict[str, Any], digits: Dataset) -> None:
    noted = Noted()
    classifier = build(name, **given, patience=2, learning_rate=0.05).fit(digits.train, digits.tuning, noted)
    losses = noted.losses
    assert len(losses) < 40
    assert len(losses) - 1 - int(np.argmin(losses)) == 2
    classifier.temperature = 1.0
    smoothing = given.get("label_smoothing", 0.0)
    targets = (1 - smoothing) * np.eye(10)[digits.tuning.labels] + smoothing / 10
    kept = -(targets * np.log(classifier.predict_proba(digits.tuning.images))).sum(axis=1).mean()
    assert kept == pytest.approx(min(losses), rel=1e-3)


def test_boosting_stops_early_and_keeps_its_best_round(digits: Dataset) -> None:
    noted = Noted()
    classifier: Any = build("xgboost", patience=3, learning_rate=0.5).fit(digits.train, digits.tuning, noted)
    losses = noted.losses
    assert len(losses) < 200
    assert classifier.estimator.num_boosted_rounds() == int(np.argmin(losses)) + 1 == len(losses) - 3


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_a_network_learns_a_small_data_set_with_its_defaults(name: str) -> None:
    small = load_dataset("digits")
    algorithm = get_algorithm(name)
    classifier = algorithm.build(algorithm.Params(), 0).fit(small.train, small.tuning)
    assert (classifier.predict_proba(small.validation.images).argmax(axis=1) == small.validation.labels).mean() > 0.97


OTHERWISE = [
    *(("knn", {"features": features}) for features in ("pixels", "deskewed")),
    ("knn", {"features": "pixels", "components": 0, "weights": "uniform", "n_neighbors": 3}),
    ("logistic", {"features": "pixels"}),
    ("forest", {"features": "pixels", "splitter": "best"}),
    ("xgboost", {"features": "deskewed", "components": 30}),
    ("mlp", {"features": "pixels"}),
    ("cnn", {"features": "pixels"}),
    *(("cnn", {"augmentation": 0.0, "kernel_size": size}) for size in (2, 9)),
]


@pytest.mark.parametrize(("name", "given"), OTHERWISE, ids=str)
def test_what_is_not_the_default_learns_and_is_kept_too(
    name: str, given: dict[str, Any], digits: Dataset, tmp_path: Path
) -> None:
    classifier = build(name, **given).fit(digits.train, digits.tuning)
    classifier.save(tmp_path)
    kept = build(name, **given).restore(tmp_path)
    images = digits.validation.images
    assert np.array_equal(kept.predict_proba(images), classifier.predict_proba(images))
    assert (classifier.predict_proba(digits.validation.images).argmax(axis=1) == digits.validation.labels).mean() > 0.9


@pytest.mark.parametrize("name", algorithm_names())
def test_suggests_what_the_command_line_would_accept(name: str) -> None:
    algorithm = get_algorithm(name)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        params = algorithm.suggest(study.ask())
        for parameter in parameters_of(algorithm.Params):
            value = getattr(params, parameter.name)
            assert parse(parameter, str(value)) == value
            assert type(value) is type(parameter.default)


@pytest.mark.parametrize("name", algorithm_names())
def test_the_docstring_says_what_to_expect_and_type(name: str) -> None:
    documentation = get_algorithm(name).__doc__
    assert "Expect about" in documentation
    assert f"mlflow run . -e {name}\n" in documentation
