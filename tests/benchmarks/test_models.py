"""Models that a store holds: their names, votes, accuracies and answers, through pyfunc and over REST."""

import shutil
from pathlib import Path
from typing import Any

import mlflow
import pytest

from benchmarks.measure import ensemble, overhead
from benchmarks.measure import store as program
from benchmarks.measure.store import Store
from benchmarks.targets import ACCURATE, ALGORITHMS, name_run
from benchmarks.tasks import models, serving
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset
from mnist_mlflow.protocol import DataOptions
from tests.conftest import Trained, train_into_copy


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A store with a model."""
    task = Task("knn", {}, DataOptions("digits", train_size=200))
    return train_into_copy(new_store, tmp_path_factory.mktemp("models"), task)


@pytest.fixture
def asked(trained_store: mlflow.MlflowClient, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the store, whose models read few images."""
    monkeypatch.setattr(models, "load_mnist", lambda progress: (digits.train, digits.test))
    return str(mlflow.get_tracking_uri())


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[str, ...], dict[str, str]]]:
    """The commands of the package that would have been run, with the environment that would have been added."""
    commands: list[tuple[tuple[str, ...], dict[str, str]]] = []
    monkeypatch.setattr(program, "run_python", lambda *words, **added: commands.append((words, added)))
    monkeypatch.setattr(program, "data_folder", lambda: "/data")
    return commands


def test_a_logged_model_is_named(asked: str, trained: Trained) -> None:
    (result,) = trained.outcomes
    assert list(models.logged(asked)) == ["knn"]
    model = models.logged(asked)["knn"]
    assert (model["run"], model["model"]) == (result.run_id, f"models:/{result.model_id}")


def test_models_are_scored_on_the_test_images_with_their_votes(
    asked: str, trained: Trained, trained_store: mlflow.MlflowClient, digits: Dataset, tmp_path: Path
) -> None:
    (member,) = trained.outcomes
    ensemble = trained_store.create_run("0", tags={"algorithm": "ensemble"}).info.run_id
    (tmp_path / "members.csv").write_text(f"algorithm,weight,run\nknn,0.25,{member.run_id}\n")
    trained_store.log_artifact(ensemble, str(tmp_path / "members.csv"))
    for key in ("val_accuracy", "val_ece", "fit_seconds"):
        trained_store.log_metric(ensemble, key, 0.5)
    trained_store.log_outputs(ensemble, [mlflow.entities.LoggedModelOutput(str(member.model_id), 0)])
    figures = models.tested(asked)
    labels = mlflow.pyfunc.load_model(f"models:/{member.model_id}").predict(digits.test.images)["digit"]
    accuracy = (labels == digits.test.labels).mean()
    assert (figures["knn"]["test_accuracy"], figures["knn"]["weight"]) == (accuracy, 0.25)
    assert (figures["ensemble"]["val_accuracy"], figures["ensemble"]["weight"]) == (0.5, None)


def test_a_server_that_does_not_start_is_no_figure(asked: str) -> None:
    with pytest.raises(RuntimeError, match="does not answer"), serving.running("mlflow", asked, "models:/m-none"):
        pass


def test_networks_of_the_accurate_recipe_are_told_apart() -> None:
    pixels = {"recipe": "accurate", "features": "pixels", "kernel_size": "4", "seed": "0"}
    assert name_run("cnn", pixels) == "cnn accurate on pixels, kernel 4"
    assert name_run("cnn", {**pixels, "features": "deskewed"}) == "cnn accurate, seed 0"
    assert name_run("cnn", {"recipe": "fast"}) == "cnn"


def test_every_algorithm_is_trained_in_a_store_of_its_own(commands: list[Any], tmp_path: Path) -> None:
    Store(tmp_path, 500).fill()
    expected = [("-m", "mnist_mlflow", name, "--data", "mnist", "--train_size", "500") for name in ALGORITHMS]
    assert [words for words, _ in commands] == expected
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    environment = {"MLFLOW_TRACKING_URI": uri, "XDG_CACHE_HOME": f"{tmp_path}/cache", "MNIST_MLFLOW_DATA_DIR": "/data"}
    assert all(added == environment for _, added in commands)


def test_all_are_tested_when_the_ensemble_is_chosen(
    commands: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_store = dict.fromkeys((*ALGORITHMS, name_run("cnn", {**ACCURATE.params, "seed": 0})))
    monkeypatch.setattr(Store, "models", lambda store: in_store)
    monkeypatch.setattr(ensemble, "run_task", lambda task, store: (task, len(commands)))
    tested = ensemble.measure_ensemble(Store(tmp_path, 0))["models"]
    *networks, vote = [words[2:] for words, _ in commands]
    seeds = ["--seed=1", "--seed=2", "--seed=3", "--seed=5", "--seed=7"]  # 0 is in the store
    assert [words[-1] for words in networks] == seeds
    assert ["--features=pixels" in words for words in networks] == [False, False, True, True, True]
    assert all("--recipe=accurate" in words for words in networks)
    assert (vote[0], tested) == ("ensemble", ("models.tested", len(commands)))


def test_the_tracking_of_every_model_is_told(new_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(new_store, tmp_path / "digits.db")
    in_store = {name: {"model": f"models:/m-{name}", "metrics": {"tracking_seconds": 2.0}} for name in ALGORITHMS}
    monkeypatch.setattr(Store, "models", lambda store: in_store)
    monkeypatch.setattr(overhead, "run_task", lambda task, trials: {task: trials})
    monkeypatch.setattr(overhead, "STARTS", 1)
    figures = overhead.measure_overhead(Store(tmp_path, 0))
    assert figures["tracking_seconds"] == dict.fromkeys(ALGORITHMS, 2.0)
    assert figures["trial"] == {"searches.trial_overhead": 60}
    assert min(figures["import_seconds"], figures["help_seconds"]) > 0
    assert not figures["knn_imports_tensorflow"]
    assert (tmp_path / "cache").is_dir()
