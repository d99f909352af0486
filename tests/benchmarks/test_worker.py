from pathlib import Path

import click
import mlflow
import numpy as np
import pytest

from benchmarks import process, worker
from benchmarks.process import run_python
from benchmarks.rows import ACCURATE, ROWS
from mnist_mlflow.algorithms.cnn import RECIPES
from mnist_mlflow.data import Dataset, source
from mnist_mlflow.types import Part


@pytest.fixture
def small_mnist(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> Part:
    """The bundled digits in the place of MNIST; returns those to learn from."""

    def load(progress: object) -> tuple[Part, Part]:
        return digits.train, digits.test

    monkeypatch.setattr(worker, "load_mnist", load)
    monkeypatch.setattr(source, "load_mnist", load)
    return digits.train


def test_both_sides_give_the_same_figures(small_mnist: Part, digits: Dataset) -> None:
    ours, peer = worker.ours("knn"), worker.peer("knn")
    assert ours.keys() - peer.keys() == {"engine"}
    assert (ours["learned"], peer["learned"]) == (374, 500)  # the protocol's 45 in 60, and all
    for record in (ours, peer):
        assert 0.85 < record["accuracy"] < 1
        assert record["tested"] == len(digits.test)
        assert 0 < record["fit_seconds"] < 30
        assert 0 < record["predict_seconds"] < 30
        assert 100 < record["peak_mb"] < 20_000
        assert 0.01 < record["model_mb"] < 10


def test_the_peer_learns_from_as_many_images_as_asked_for(small_mnist: Part) -> None:
    assert worker.peer("knn", train_size=200)["learned"] == 200


def test_the_figures_are_those_of_the_functions() -> None:
    part = Part(np.zeros((4, 28, 28), np.uint8), np.array([1, 2, 3, 4], np.uint8))
    record = worker.measure(
        lambda: [1, 2, 3, 0],
        lambda model: np.array(model),
        lambda model, folder: (folder / "model").write_bytes(bytes(3_000_000)),
        part,
    )
    assert record["accuracy"] == 0.75
    assert record["model_mb"] == 3


def test_a_recipe_brings_its_hyperparameters() -> None:
    params = worker.build(ACCURATE.name, 0).params  # type: ignore[attr-defined]
    assert params.filters == RECIPES["accurate"]["filters"]
    assert all(getattr(params, name) == value for name, value in ROWS[ACCURATE.name].given.items())


def test_growth_scores_only_what_was_not_learned(small_mnist: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PROTOCOL_TEACHES", 374)
    monkeypatch.setattr(worker, "TUNING", 100)
    scored, whole = worker.growth("knn", 300), worker.growth("knn", 450)
    assert 0 < scored["error"] < 0.3
    assert "error" not in whole
    assert all(0 < record["predict_seconds"] < 30 for record in (scored, whole))


def test_all_that_is_taught_fits_where_the_protocol_does_not_reach(
    small_mnist: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PROTOCOL_TEACHES", 374)
    monkeypatch.setattr(worker, "TUNING", 100)
    train, tuning, validation = worker._parts(len(small_mnist))
    assert (len(train), len(tuning), validation) == (500, 100, None)
    assert np.array_equal(train.images[-100:], tuning.images)
    assert train.whole is None


def test_a_tracked_fit_gives_the_same_figures_and_leaves_a_model(
    small_mnist: Part, store: mlflow.MlflowClient, digits: Dataset
) -> None:
    tracked, ours = worker.tracked("knn", mlflow.get_tracking_uri()), worker.ours("knn")
    assert tracked.keys() == ours.keys()
    same = ("accuracy", "tested", "learned", "engine")
    assert {key: tracked[key] for key in same} == {key: ours[key] for key in same}
    assert tracked["model_mb"] == pytest.approx(ours["model_mb"], rel=0.01)
    (run,) = store.search_runs(["0"])
    assert run.outputs.model_outputs
    assert run.data.params["data"] == "mnist"


def test_a_failure_in_a_fresh_process_is_told_with_its_command(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"not images")
    with pytest.raises(click.ClickException, match=r"benchmarks.worker peer .*\n[^T]*Delete it to have it downloaded"):
        run_python("-m", "benchmarks.worker", "peer", '{"row": "knn"}', MNIST_MLFLOW_DATA_DIR=str(tmp_path))


def test_a_task_finds_no_features_of_earlier_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    environments: list[dict[str, str]] = []

    def run(*arguments: str, **environment: str) -> str:
        environments.append(environment)
        assert not list(Path(environment["XDG_CACHE_HOME"]).iterdir())
        return 'noise\n{"figure": 1}\n'

    monkeypatch.setattr(process, "run_python", run)
    monkeypatch.setattr(process, "data_folder", lambda: "/data")
    assert process.run_task("ours", row="svm") == {"figure": 1}
    process.run_task("ours", row="svm")
    assert {environment["MNIST_MLFLOW_DATA_DIR"] for environment in environments} == {"/data"}
    assert len({environment["XDG_CACHE_HOME"] for environment in environments}) == 2


def test_mnist_is_found_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MLFLOW_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(worker, "load_mnist", lambda progress: None)
    (tmp_path / "train-images-idx3-ubyte.gz").touch()
    assert worker.data() == str(tmp_path)


def test_a_fresh_process_prints_and_is_read() -> None:
    assert run_python("-c", "import os; print(os.environ['SOME'])", SOME="thing") == "thing\n"
