import shutil
from pathlib import Path
from typing import Any

import mlflow
import pytest

from benchmarks import store as program
from benchmarks.rows import ACCURATE, ALGORITHMS
from benchmarks.store import Store, fill, measure_ensemble, model_uri, vote_weights
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.protocol import DataOptions
from tests.conftest import Trained, train_into_copy

SMALL = DataOptions("digits", train_size=200)


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A model with the default recipe, one with the other, and one that looks at pixels."""
    accurate = {"recipe": "accurate", "epochs": 1, "filters": 4}
    given = [{"epochs": 1}, accurate, {**accurate, "features": "pixels", "kernel_size": 4}]
    tasks = [Task("cnn", params, SMALL) for params in given]
    return train_into_copy(new_store, tmp_path_factory.mktemp("mlflow"), *tasks)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[str, ...], dict[str, str]]]:
    """What would have been typed, with the environment that would have been added."""
    commands: list[tuple[tuple[str, ...], dict[str, str]]] = []
    monkeypatch.setattr(program, "run_python", lambda *words, **given: commands.append((words, given)))
    monkeypatch.setattr(program, "data_folder", lambda: "/data")
    return commands


def test_every_algorithm_is_trained_in_a_store_of_its_own(typed: list[Any], tmp_path: Path) -> None:
    fill(Store(tmp_path, 500))
    expected = [("-m", "mnist_mlflow", name, "--data", "mnist", "--train_size", "500") for name in ALGORITHMS]
    assert [words for words, _ in typed] == expected
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    environment = {"MLFLOW_TRACKING_URI": uri, "XDG_CACHE_HOME": f"{tmp_path}/cache", "MNIST_MLFLOW_DATA_DIR": "/data"}
    assert all(given == environment for _, given in typed)


def test_all_are_tested_when_the_ensemble_is_chosen(
    typed: list[Any], trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(trained.path, tmp_path / "mlflow.db")
    first, other = (trained.outcomes[index].run_id for index in (0, 1))
    asked: list[int] = []

    def run_task(task: str, store: str, models: dict[str, str]) -> dict[str, float]:
        asked.append(len(typed))
        return dict.fromkeys(models, 0.75)

    class Filled(Store):
        def models(self) -> dict[str, Any]:
            found = super().models()
            return {**found, "ensemble": found["cnn"]} if typed and typed[-1][0][2] == "ensemble" else found

    monkeypatch.setattr(program, "run_task", run_task)
    monkeypatch.setattr(program, "vote_weights", lambda store, run: {other: 0.4} if run == first else {})
    models = measure_ensemble(Filled(tmp_path, 0))["models"]
    *networks, ensemble = [words[2:] for words, _ in typed]
    seeds = ["--seed=1", "--seed=2", "--seed=3", "--seed=5", "--seed=7"]  # 0 is in the store
    assert [words[-1] for words in networks] == seeds
    assert ["--features=pixels" in words for words in networks] == [False, False, True, True, True]
    assert ACCURATE.seeds == (0, 1, 2)
    assert all("--recipe=accurate" in words for words in networks)
    assert (ensemble[0], asked) == ("ensemble", [len(typed)])
    assert {name: model["weight"] for name, model in models.items() if model["weight"]} == {"cnn accurate, seed 0": 0.4}
    assert {model["test_accuracy"] for model in models.values()} == {0.75}


def test_the_weights_of_a_vote_are_read_from_its_run(store: mlflow.MlflowClient, tmp_path: Path) -> None:
    run = store.create_run("0").info.run_id
    (tmp_path / "members.csv").write_text("algorithm,weight,run\nsvm,0.25,a\ncnn,0.75,b\n")
    store.log_artifact(run, str(tmp_path / "members.csv"))

    class Named(Store):
        uri = mlflow.get_tracking_uri()

    assert vote_weights(Named(tmp_path, 0), run) == {"a": 0.25, "b": 0.75}


def test_the_models_are_told_apart_and_load(trained: Trained) -> None:
    store = Store(trained.path.parent, 0)
    models = store.models()
    assert list(models) == ["cnn", "cnn accurate, seed 0", "cnn accurate on pixels, kernel 4"]
    assert [run.info.run_id for run in models.values()] == [outcome.run_id for outcome in trained.outcomes]
    mlflow.set_tracking_uri(store.uri)
    assert mlflow.models.get_model_info(model_uri(models["cnn"])).model_id == trained.outcomes[0].model_id
    mlflow.set_tracking_uri(None)
