"""The part that loads, asks and installs models."""

import re
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest

from benchmarks.measure import prediction as measure
from benchmarks.report.prediction import prediction as report
from benchmarks.tasks import models
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.protocol import DataOptions
from tests.conftest import Trained, train_into_copy

FIGURES: dict[str, Any] = {
    **{"load_seconds": 0.4, "single_ms": 0.3, "batched_ms": 0.05, "memory_mb": 300.0, "model_mb": 2.0},
    "imports_tensorflow": False,
}


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A store with a model."""
    task = Task("knn", {}, DataOptions("digits", train_size=200))
    return train_into_copy(new_store, tmp_path_factory.mktemp("prediction"), task)


def test_a_logged_model_is_asked_in_a_process_of_its_own(trained_store: mlflow.MlflowClient, tmp_path: Path) -> None:
    folders = models.fetched(str(mlflow.get_tracking_uri()))
    np.save(tmp_path / "images.npy", np.random.default_rng(0).integers(0, 256, (20, 28, 28)).astype(np.uint8))
    figures = measure.answers(folders["knn"], tmp_path / "images.npy")
    assert figures.keys() == FIGURES.keys()
    assert min(figures[key] for key in figures if key != "imports_tensorflow") > 0
    assert not figures["imports_tensorflow"]


def test_models_that_need_the_same_are_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, needed in (("knn", "numpy"), ("svm", "numpy"), ("cnn", "tensorflow")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "requirements.txt").write_text(needed)
    monkeypatch.setattr("shutil.which", lambda name: "uv")
    monkeypatch.setattr(measure, "_install", lambda requirements: {"of": requirements})
    folders = {name: str(tmp_path / name) for name in ("knn", "svm", "cnn")}
    assert measure.installs(folders) == {"knn, svm": {"of": "numpy"}, "cnn": {"of": "tensorflow"}}
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert measure.installs(folders) == {}


def verdict_on(name: str, **changed: object) -> str:
    installs = {"today": {name: {"seconds": 13.0, "mb": 430.0}}}
    text = "\n".join(report({"models": {name: {"today": FIGURES | changed}}, "installs": installs}))
    (line,) = re.findall(rf"^\| {name} .*\| *([^|]+?) *\|$", text, re.M)
    assert re.search(rf"^\| today *\| {name} +\| 13.0 +\| 430 ", text, re.M)
    return str(line)


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({"load_seconds": 1.1}, "load"),
        ({"single_ms": 0.51}, "one"),
        ({"batched_ms": 0.061}, "thousand"),
        ({"memory_mb": 451.0}, "memory"),
        ({"imports_tensorflow": True}, "no TensorFlow"),
    ],
)
def test_each_figure_has_its_goal(changed: dict[str, object], missed: str) -> None:
    assert verdict_on("knn") == "reached"
    assert verdict_on("knn", **changed) == f"not reached: {missed}"


def test_an_ensemble_may_take_three_milliseconds_and_any_batch() -> None:
    assert verdict_on("ensemble", single_ms=2.9, batched_ms=0.4) == "reached"
    assert verdict_on("ensemble", single_ms=3.1) == "not reached: one"
