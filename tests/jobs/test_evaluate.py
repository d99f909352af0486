import sys
from pathlib import Path

import mlflow
import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.errors import MissingLibraryError, UsageError
from mnist_mlflow.jobs.evaluate import Evaluation, Params, run
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.types import silent
from tests.conftest import Trained, train_into_copy
from tests.simulated import Client


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    task = Task("knn", {}, DataOptions("digits", train_size=200))
    return train_into_copy(new_store, tmp_path_factory.mktemp("trained"), task)


@pytest.fixture
def outcome(trained: Trained) -> RunResult:
    return trained.outcomes[0]


@pytest.fixture
def store(trained_store: Client) -> Client:
    return trained_store


def evaluate(model: str, split_seed: int = 0) -> Evaluation:
    return run(Params(data="digits", split_seed=split_seed, model=model), silent)


def test_a_logged_model_is_scored_and_leaves_a_run(store: Client, outcome: RunResult) -> None:
    uri = f"models:/{outcome.model_id}"
    evaluation = evaluate(uri)
    (recorded,) = store.search_runs(["0"], "tags.role = 'evaluation'")
    assert recorded.data.metrics["test_accuracy"] == evaluation.metrics["test_accuracy"] > 0.9
    tags = recorded.data.tags
    assert (tags["test_opened_for"], tags["test_openings"], evaluation.openings) == (f"evaluate {uri}", "1", 1)
    assert recorded.data.params.items() >= {"data": "digits", "split_seed": "0", "model": uri}.items()
    assert [entry.dataset.name for entry in recorded.inputs.dataset_inputs] == ["digits-test"]
    mlflow.register_model(uri, "other")
    again = evaluate("models:/other/1")
    assert (again.metrics, again.openings) == (evaluation.metrics, 2)


def test_a_model_from_another_store_is_scored(store: Client, outcome: RunResult, tmp_path: Path) -> None:
    folder = mlflow.artifacts.download_artifacts(f"models:/{outcome.model_id}", dst_path=str(tmp_path / "model"))
    store.delete_logged_model(outcome.model_id)
    assert evaluate(folder).metrics["test_accuracy"] > 0.9


def test_images_that_the_model_may_have_learned_are_refused(store: Client, outcome: RunResult) -> None:
    with pytest.raises(UsageError, match=r"another split of digits.*split_seed=0"):
        evaluate(f"models:/{outcome.model_id}", split_seed=1)


def test_a_model_that_does_not_load_opens_no_test_images(
    store: Client, outcome: RunResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mnist_mlflow.model.scorers.projected", None)
    with pytest.raises(MissingLibraryError, match="cannot be asked"):
        evaluate(f"models:/{outcome.model_id}")
    (recorded,) = store.search_runs(["0"], "tags.role = 'evaluation'")
    assert "test_opened_for" not in recorded.data.tags


@pytest.mark.parametrize("uri", ["models:/none@champion", "models:/m-00000000000000000000000000000000", "nonsense"])
def test_a_model_that_is_not_there_is_answered_with_what_is_accepted(store: Client, uri: str) -> None:
    with pytest.raises(UsageError, match=f"no model at {uri}.*Accepted: previous, champion, challenger"):
        evaluate(uri)
