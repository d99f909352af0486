from typing import TypeAlias

import mlflow
import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.jobs import train as training
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.types import silent

Client: TypeAlias = mlflow.MlflowClient
SMALL = DataOptions("digits", train_size=200)


def test_training_never_sees_the_test_images(store: Client, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    without = Dataset(**{**vars(digits), "test": None})
    monkeypatch.setattr(training, "load_dataset", lambda *arguments: without)
    assert train(Task("knn", {}, SMALL), silent).metrics["val_accuracy"] > 0.8


def test_what_cannot_be_learned_is_said_in_a_line(store: Client) -> None:
    protocol = DataOptions("digits", train_size=100)
    with pytest.raises(
        UserFacingError, match=r"knn cannot learn with Params\(.*n_components=784 must be between 0 and"
    ):
        train(Task("knn", {"components": 784}, protocol), silent)
    (run,) = store.search_runs(["0"])
    assert run.info.status == "FAILED"
    assert run.data.tags["failure"].startswith("knn cannot learn")
    assert run.data.tags["dataset"] == "digits"
