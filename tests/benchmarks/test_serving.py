from pathlib import Path

import mlflow
import pytest

from benchmarks import serving
from benchmarks.serving import accuracies, predict_latency, request_latency, served
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset
from mnist_mlflow.protocol import DataOptions
from tests.conftest import Trained, train_into_copy


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A model to ask."""
    task = Task("knn", {}, DataOptions("digits", train_size=200))
    return train_into_copy(new_store, tmp_path_factory.mktemp("served"), task)


@pytest.fixture
def model(trained: Trained, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The addresses of the store and of the model, which is asked about few images."""
    monkeypatch.setattr(serving, "load_mnist", lambda progress: (digits.train, digits.test))
    monkeypatch.setattr(serving, "REQUESTS", 5)
    return f"sqlite:///{trained.path}", f"models:/{trained.outcomes[0].model_id}"


def test_a_batch_costs_less_an_image_than_one_at_a_time(model: tuple[str, str]) -> None:
    found = predict_latency(*model)
    assert 0 < found["batched_ms"] < found["single_ms"] < 1_000
    mlflow.set_tracking_uri(None)


def test_models_are_scored_on_the_test_images(model: tuple[str, str], digits: Dataset) -> None:
    store, uri = model
    found = accuracies(store, {"knn": uri})
    expected = mlflow.pyfunc.load_model(uri).predict(digits.test.images)["digit"] == digits.test.labels
    assert found == {"knn": expected.mean()}
    assert 0.8 < found["knn"] < 1
    mlflow.set_tracking_uri(None)


def test_a_served_model_is_asked_for_single_images(model: tuple[str, str]) -> None:
    found = request_latency(*model)
    assert 0 < found["median_ms"] <= found["p95_ms"] < 1_000


def test_a_server_that_does_not_start_is_no_figure(model: tuple[str, str]) -> None:
    with pytest.raises(RuntimeError, match="does not answer"), served(model[0], "models:/m-none"):
        pass
