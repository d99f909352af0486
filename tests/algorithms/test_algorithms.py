"""What every algorithm promises, asked of each."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import xgboost

from mnist_mlflow.algorithms.base import (
    SILENT,
    Callback,
    TrainedModel,
    algorithm_names,
    get_algorithm,
    learns_in_steps,
    tolerance_of,
    train_model,
)
from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.parameters import parameters_of, parse
from mnist_mlflow.types import Scores
from tests.conftest import ROOT

# EnoughError for 500 images, where the defaults are made for 45,000.
SMALL: dict[str, dict[str, Any]] = {
    "mlp": {"epochs": 5, "batch_size": 32, "units": 128},
    "cnn": {"epochs": 3, "batch_size": 32, "filters": 8},
}
FIRST_IMAGES = 60


def fit(name: str, digits: Dataset, seed: int = 0, callback: Callback = SILENT, **given: Any) -> TrainedModel:
    algorithm = get_algorithm(name)
    params = algorithm.Params(**(SMALL.get(name, {}) | given))
    return train_model(algorithm, params, digits.train, digits.tuning, seed, callback)


class Recorder(Callback):
    """Keeps all that is said while an algorithm learns."""

    watches_steps = True

    def __init__(self) -> None:
        self.epochs: list[tuple[int, int]] = []
        self.metrics: list[dict[str, float]] = []
        self.steps: list[tuple[int, int]] = []
        self.shapes: set[tuple[int, ...]] = set()

    def on_epoch(self, step: int, total: int, metrics: Mapping[str, float]) -> None:
        self.epochs.append((step, total))
        self.metrics.append(dict(metrics))

    def on_step(self, step: int, total: int, scores: Callable[[], Scores]) -> None:
        self.steps.append((step, total))
        if step % 20 == 1:
            self.shapes.add(scores().shape)

    @property
    def losses(self) -> list[float]:
        return [metrics["epoch_val_loss"] for metrics in self.metrics]


Learned = tuple[str, TrainedModel, Recorder]


@pytest.fixture(scope="module", params=algorithm_names())
def learned(request: pytest.FixtureRequest, digits: Dataset) -> Learned:
    """Each algorithm, having learned 500 digits, with what it reported."""
    recorder, name = Recorder(), str(request.param)
    return name, fit(name, digits, callback=recorder), recorder


def test_learns_500_digits(learned: Learned, digits: Dataset) -> None:
    name, trained, _ = learned
    probabilities = trained.model.predict_proba(digits.validation.images)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.argmax(axis=1) == digits.validation.labels).mean() > 0.93
    assert trained.engine.startswith(f"{get_algorithm(name).LIBRARY} ")
    assert trained.seconds > 0


def test_one_image_is_read_as_in_a_batch(learned: Learned, digits: Dataset) -> None:
    model, images = learned[1].model, digits.validation.images[:FIRST_IMAGES]
    batch = model.predict_proba(images)
    singles = np.concatenate([model.predict_proba(image[None]) for image in images[:10]])
    assert np.allclose(batch[:10], singles, atol=1e-5)


def test_the_probabilities_of_the_tuning_slice_are_those_of_the_model(learned: Learned, digits: Dataset) -> None:
    trained = learned[1]
    assert trained.tuning_probabilities.dtype == np.float64
    assert np.allclose(trained.model.predict_proba(digits.tuning.images), trained.tuning_probabilities, atol=1e-5)


def is_kept(model: DigitModel, digits: Dataset, folder: Path) -> bool:
    model.save(folder / "model")
    assert not [path for path in folder.rglob("*") if path.suffix in (".pkl", ".joblib", ".pickle")]
    images = digits.validation.images[:FIRST_IMAGES]
    return np.array_equal(DigitModel.load(folder / "model").predict_proba(images), model.predict_proba(images))


def test_what_was_learned_can_be_kept(learned: Learned, digits: Dataset, tmp_path: Path) -> None:
    assert is_kept(learned[1].model, digits, tmp_path)


def test_reports_curves_and_steps_where_there_are_any(learned: Learned, digits: Dataset) -> None:
    name, _, recorder = learned
    if not learns_in_steps(get_algorithm(name)):
        assert recorder.epochs == recorder.steps == []
        return
    assert [step for step, _ in recorder.epochs] == list(range(1, len(recorder.epochs) + 1))
    assert {"train_loss", "epoch_val_loss", "epoch_val_accuracy"} <= recorder.metrics[0].keys()
    assert recorder.metrics[-1]["train_loss"] < recorder.metrics[0]["train_loss"]
    assert [step for step, _ in recorder.steps] == list(range(1, len(recorder.steps) + 1))
    assert len({total for _, total in recorder.steps}) == 1
    assert recorder.steps[-1][0] <= recorder.steps[-1][1]
    assert recorder.shapes == {(len(digits.tuning), 10)}


FEW: dict[str, dict[str, Any]] = {
    "cnn": {"epochs": 1, "filters": 4},
    "mlp": {"epochs": 1},
    "xgboost": {"rounds": 5},
    "forest": {"n_estimators": 5},
}


@pytest.mark.parametrize("name", FEW)
def test_another_seed_learns_otherwise(name: str, digits: Dataset) -> None:
    """That the same one learns the same, test_determinism.py asks of all algorithms."""
    images = digits.validation.images[:FIRST_IMAGES]
    first, other = (fit(name, digits, seed, **FEW[name]).model.predict_proba(images) for seed in (0, 1))
    assert not np.array_equal(first, other)


class EnoughError(Exception):
    """What a callback raises to stop the learning."""


@pytest.mark.parametrize("name", ["mlp", "xgboost"])
@pytest.mark.parametrize("method", ["on_epoch", "on_step"])
def test_a_callback_that_raises_stops_the_learning(name: str, method: str, digits: Dataset) -> None:
    class Stopping(Callback):
        watches_steps = True

        def __init__(self) -> None:
            setattr(self, method, self.stop)

        def on_step(self, step: int, total: int, scores: Callable[[], Scores]) -> None: ...

        def stop(self, step: int, *rest: object) -> None:
            if step == 2:
                raise EnoughError

    with pytest.raises(EnoughError):
        fit(name, digits, callback=Stopping())


@pytest.mark.parametrize(
    ("name", "given"),
    [("mlp", {"epochs": 40}), ("cnn", {"epochs": 40, "label_smoothing": 0.1, "filters": 4})],
)
def test_a_network_stops_early_and_keeps_its_best_epoch(name: str, given: dict[str, Any], digits: Dataset) -> None:
    recorder = Recorder()
    model = fit(name, digits, callback=recorder, **given, patience=2, learning_rate=0.05).model
    losses = recorder.losses
    assert len(losses) < 40
    assert "label_smoothing" in given or min(losses) == losses[-3]  # smooth labels have a best epoch of their own
    uncalibrated = DigitModel(model.features, model.scorer, 1.0).predict_proba(digits.tuning.images)
    right = uncalibrated[np.arange(len(digits.tuning)), digits.tuning.labels]
    assert -np.log(right).mean() == pytest.approx(losses[-3], rel=1e-3)


def booster_of(trained: TrainedModel) -> Any:
    return xgboost.Booster(model_file=bytearray(trained.model.scorer.learned["booster.ubj"]))


def test_boosting_stops_early_and_keeps_its_best_round(digits: Dataset) -> None:
    recorder = Recorder()
    booster = booster_of(fit("xgboost", digits, callback=recorder, patience=3, learning_rate=0.5))
    losses = recorder.losses
    assert len(losses) < 200
    assert booster.num_boosted_rounds() == int(np.argmin(losses)) + 1 == len(losses) - 3


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_a_network_learns_a_small_data_set_with_its_defaults(name: str) -> None:
    small, algorithm = load_dataset("digits"), get_algorithm(name)
    model = train_model(algorithm, algorithm.Params(), small.train, small.tuning, 0).model
    assert (model.predict_proba(small.validation.images).argmax(axis=1) == small.validation.labels).mean() > 0.97


OTHERWISE = [
    ("knn", {"features": "deskewed"}),
    ("knn", {"features": "pixels", "components": 0, "weights": "uniform", "n_neighbors": 3}),
    ("svm", {"kernel": "poly", "components": 0}),
    ("logistic", {"features": "pixels"}),
    ("forest", {"features": "pixels", "splitter": "best"}),
    ("xgboost", {"features": "deskewed", "components": 30, "rounds": 60}),
    ("mlp", {"features": "pixels"}),
    ("cnn", {"features": "pixels", "kernel_size": 9}),
    ("cnn", {"augmentation": 0.0, "kernel_size": 2, "optimizer": "adam"}),
]


@pytest.mark.parametrize(("name", "given"), OTHERWISE, ids=str)
def test_what_is_not_the_default_learns_and_is_kept_too(
    name: str, given: dict[str, Any], digits: Dataset, tmp_path: Path
) -> None:
    model = fit(name, digits, **given).model
    assert (model.predict_proba(digits.validation.images).argmax(axis=1) == digits.validation.labels).mean() > 0.9
    assert is_kept(model, digits, tmp_path)


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
    documentation, seconds = get_algorithm(name).__doc__, getattr(get_algorithm(name), "SECONDS", None)
    assert "Expect about" in documentation
    assert seconds is None or f" {seconds} s to learn 45,000 on two cores" in documentation
    assert f"mlflow run . -e {name} --env-manager local\n" in documentation


@pytest.mark.parametrize("name", algorithm_names())
def test_the_tolerance_is_stated_with_its_reason(name: str) -> None:
    """In the docstring and in the document; one that states none has none."""
    tolerance, said = tolerance_of(name), " ".join(str(get_algorithm(name).__doc__).split())
    rows = re.findall(rf"^\| .*`{name}`.*\|$", (ROOT / "docs" / "reproduce.md").read_text(), re.M)
    assert [float(row.split("|")[4]) for row in rows] == [tolerance]
    stated = re.search(r"[Tt]he tolerance is ([\de.-]*\d)", said)
    assert float(stated[1]) == tolerance if stated else "no tolerance" in said
    assert bool(stated) == bool(tolerance)
