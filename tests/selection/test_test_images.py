from pathlib import Path
from typing import TypeAlias

import mlflow
import numpy as np
import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset
from mnist_mlflow.data.label_errors import CORRECTED, MNIST
from mnist_mlflow.errors import UsageError
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.selection import test_images as scoring
from mnist_mlflow.selection.test_images import evaluate
from mnist_mlflow.types import Labels, Part, silent
from tests.conftest import Trained, train_into_copy

Client: TypeAlias = mlflow.MlflowClient


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    task = Task("knn", {}, DataOptions("digits", train_size=200))
    return train_into_copy(new_store, tmp_path_factory.mktemp("trained"), task)


@pytest.fixture
def store(trained_store: Client) -> Client:
    return trained_store


@pytest.fixture
def outcome(trained: Trained) -> RunResult:
    return trained.outcomes[0]


def test_scores_a_logged_model_and_leaves_a_run(store: Client, outcome: RunResult) -> None:
    uri = f"models:/{outcome.model_id}"
    metrics = evaluate(uri, "digits", 0, silent)
    (run,) = store.search_runs(["0"], "tags.role = 'evaluation'")
    assert run.data.metrics["test_accuracy"] == metrics["test_accuracy"] > 0.9
    assert (run.data.tags["test_opened_for"], run.data.tags["test_openings"]) == (f"evaluate {uri}", "1")
    assert metrics["test_accuracy_low"] < metrics["test_accuracy"] < metrics["test_accuracy_high"]
    assert "test_accuracy_corrected" not in metrics
    assert evaluate(uri, "digits", 0, silent)["test_openings"] == 2
    assert run.data.params["model"] == uri
    assert [entry.dataset.name for entry in run.inputs.dataset_inputs] == ["digits-test"]


def test_scores_a_registered_model(store: Client, outcome: RunResult) -> None:
    mlflow.register_model(f"models:/{outcome.model_id}", "other")
    assert evaluate("models:/other/1", "digits", 0, silent)["test_accuracy"] > 0.9


def test_scores_a_model_from_another_store(store: Client, outcome: RunResult, tmp_path: Path) -> None:
    folder = mlflow.artifacts.download_artifacts(f"models:/{outcome.model_id}", dst_path=str(tmp_path / "model"))
    store.delete_logged_model(outcome.model_id)
    assert evaluate(folder, "digits", 0, silent)["test_accuracy"] > 0.9


def test_refuses_images_that_the_model_may_have_learned(store: Client, outcome: RunResult) -> None:
    with pytest.raises(UsageError, match=r"another split of digits.*split_seed=0"):
        evaluate(f"models:/{outcome.model_id}", "digits", 1, silent)


@pytest.mark.parametrize("uri", ["models:/none@champion", "models:/m-00000000000000000000000000000000", "nonsense"])
def test_a_model_that_is_not_there_is_answered_with_what_is_accepted(store: Client, uri: str) -> None:
    with pytest.raises(UsageError, match=f"no model at {uri}.*Accepted: models:/mnist-digits@champion"):
        evaluate(uri, "digits", 0, silent)


def test_known_wrong_labels_are_set_right_in_a_figure_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.zeros(10_000, np.uint8)
    for index, (given, _) in CORRECTED.items():
        labels[index] = given
    answers = np.zeros((10_000, 10))
    answers[np.arange(10_000), labels] = 1
    answers[1901] = np.eye(10)[4]  # as people read it
    answers[2130] = np.eye(10)[7]  # which people cannot read
    monkeypatch.setattr(scoring, "predict", lambda uri, images: answers)
    found = scoring.score_on_test("", replace_test(labels))
    assert found["test_accuracy"] == pytest.approx(9_998 / 10_000)
    assert found["test_accuracy_corrected"] == pytest.approx((9_995 - 9) / 9_995)
    assert found["test_accuracy_corrected_low"] < found["test_accuracy_corrected"] < 1


def replace_test(labels: Labels) -> Dataset:
    part = Part(np.zeros((len(labels), 28, 28), np.uint8), labels)
    return Dataset("mnist", "mnist", part, part, part, part, MNIST, "s")
