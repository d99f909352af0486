from pathlib import Path
from typing import Any

import click
import mlflow
import numpy as np
import pytest

from benchmarks import process
from benchmarks.process import run_python
from benchmarks.targets import ACCURATE
from benchmarks.tasks import growth, rows, tracked
from mnist_mlflow.algorithms.cnn import RECIPES
from mnist_mlflow.data import Dataset, source
from mnist_mlflow.types import Part


@pytest.fixture
def small_mnist(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> Part:
    """The bundled digits in the place of MNIST; returns those to learn from."""

    def load(progress: object) -> tuple[Part, Part]:
        return digits.train, digits.test

    for module in (rows, growth, source):
        monkeypatch.setattr(module, "load_mnist", load)
    monkeypatch.setattr(growth, "PROTOCOL_TEACHES", 374)
    monkeypatch.setattr(growth, "TUNING", 100)
    return digits.train


def test_all_sides_give_the_same_figures(small_mnist: Part, digits: Dataset, store: mlflow.MlflowClient) -> None:
    ours, peer = rows.ours("knn"), rows.peer("knn")
    in_run = tracked.ours("knn", mlflow.get_tracking_uri())
    assert ours.keys() - peer.keys() == {"engine"}
    assert ours.keys() == in_run.keys()
    assert (ours["learned"], peer["learned"]) == (374, 500)  # the protocol's 45 in 60, and all
    for record in (ours, peer, in_run):
        assert 0.85 < record["accuracy"] < 1
        assert record["tested"] == len(digits.test)
        assert min(record["fit_seconds"], record["predict_seconds"]) > 0
        assert 100 < record["peak_mb"] < 20_000
        assert 0.01 < record["model_mb"] < 10
    same = ("accuracy", "learned", "engine")
    assert {key: in_run[key] for key in same} == {key: ours[key] for key in same}
    assert in_run["model_mb"] == pytest.approx(ours["model_mb"], rel=0.01)
    (run,) = store.search_runs(["0"])
    assert run.outputs.model_outputs
    assert run.data.params["data"] == "mnist"
    assert rows.peer("knn", train_size=200)["learned"] == 200


def test_a_recipe_brings_its_hyperparameters(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "train_model", lambda algorithm, params, *rest: params)
    monkeypatch.setattr(rows, "with_abstention", lambda trained, *rest: trained)
    params: Any = rows.learn(ACCURATE.name, digits.train, digits.tuning, 0)
    assert (params.recipe, params.filters) == ("accurate", RECIPES["accurate"]["filters"])


def test_growth_scores_only_images_that_were_not_learned(small_mnist: Part) -> None:
    scored, whole = growth.fit("knn", 300), growth.fit("knn", 450)
    assert 0 < scored["error"] < 0.3
    assert "error" not in whole
    train, tuning, validation = growth.split_parts(len(small_mnist))
    assert (len(train), len(tuning), validation) == (500, 100, None)
    assert np.array_equal(train.images[-100:], tuning.images)
    assert train.whole is None


def test_a_task_runs_in_a_fresh_process_and_its_failure_names_the_command(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"not images")
    with pytest.raises(click.ClickException, match=r"benchmarks.tasks rows.peer .*\n[^T]*Delete it to have it"):
        run_python("-m", "benchmarks.tasks", "rows.peer", '{"row": "knn"}', MNIST_MLFLOW_DATA_DIR=str(tmp_path))


def test_a_task_finds_no_features_of_earlier_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    environments: list[dict[str, str]] = []

    def run(*arguments: str, **environment: str) -> str:
        environments.append(environment)
        assert not list(Path(environment["XDG_CACHE_HOME"]).iterdir())
        return 'noise\n{"figure": 1}\n'

    monkeypatch.setattr(process, "run_python", run)
    monkeypatch.setattr(process, "data_folder", lambda: "/data")
    assert process.run_task("rows.ours", row="svm") == {"figure": 1}
    process.run_task("rows.ours", row="svm")
    assert {environment["MNIST_MLFLOW_DATA_DIR"] for environment in environments} == {"/data"}
    assert len({environment["XDG_CACHE_HOME"] for environment in environments}) == 2


def test_mnist_is_looked_for_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MLFLOW_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(rows, "load_mnist", lambda progress: None)
    (tmp_path / "train-images-idx3-ubyte.gz").touch()
    assert rows.mnist_folder() == str(tmp_path)
