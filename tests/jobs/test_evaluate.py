import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.errors import MissingLibraryError, UsageError
from mnist_mlflow.evaluation.corruptions import CORRUPTIONS, STRENGTHS
from mnist_mlflow.evaluation.robustness import METRIC
from mnist_mlflow.jobs.corruptions import CorruptionScores
from mnist_mlflow.jobs.evaluate import Evaluation, Params, run
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.tracking.evaluations import CORRUPTIONS as CORRUPTED
from mnist_mlflow.tracking.evaluations import TEST, find_evaluations
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
    evaluation = run(Params(data="digits", split_seed=split_seed, model=model), silent)
    assert isinstance(evaluation, Evaluation)
    return evaluation


def corrupt(model: str, **options: Any) -> CorruptionScores:
    scores = run(Params(data="digits", model=model, corruptions=True, **options), silent)
    assert isinstance(scores, CorruptionScores)
    return scores


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
    monkeypatch.setitem(sys.modules, "mnist_mlflow.model.scorers.graph", None)
    with pytest.raises(MissingLibraryError, match="cannot be asked"):
        evaluate(f"models:/{outcome.model_id}")
    (recorded,) = store.search_runs(["0"], "tags.role = 'evaluation'")
    assert "test_opened_for" not in recorded.data.tags


@pytest.mark.parametrize("uri", ["models:/none@champion", "models:/m-00000000000000000000000000000000"])
def test_a_model_that_is_not_there_is_answered_with_what_is_accepted(store: Client, uri: str) -> None:
    with pytest.raises(UsageError, match=f"no model at {uri}.*Accepted: previous, champion, challenger"):
        evaluate(uri)


def test_a_name_that_is_mistyped_leaves_no_run(store: Client) -> None:
    with pytest.raises(
        UsageError, match=r"no model 'champoin' \(did you mean 'champion'\?\); accepted: previous, champion"
    ):
        evaluate("champoin")
    assert not store.search_runs(["0"], "tags.role = 'evaluation'")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_mlflow.jobs.corruptions.MOST_IMAGES", 20)


def test_corrupted_validation_images_are_read_and_the_test_images_stay_shut(
    store: Client, outcome: RunResult, few: None
) -> None:
    scores = corrupt(f"models:/{outcome.model_id}")
    assert scores.images == 20
    (recorded,) = store.search_runs(["0"], "tags.role = 'evaluation'")
    metrics, sixty = recorded.data.metrics, list(as_metrics_of(recorded.data.metrics))
    assert metrics == scores.metrics
    assert len(sixty) == 60
    assert metrics["val_accuracy_corrupted"] == pytest.approx(sum(sixty) / 60)
    assert metrics["val_accuracy_blur_1"] > metrics["val_accuracy_blur_3"] > 0.3
    assert 0 <= metrics["val_coverage_corrupted"] <= 1
    assert not {name for name in (*metrics, *recorded.data.tags) if name.startswith("test_")}
    assert [entry.dataset.name for entry in recorded.inputs.dataset_inputs] == ["digits-validation"]
    tied = {metric.key: metric.value for metric in store.get_logged_model(outcome.model_id).metrics}
    assert tied["val_accuracy_corrupted"] == metrics["val_accuracy_corrupted"]
    assert "val_accuracy_blur_1" not in tied
    folder = Path(mlflow.artifacts.download_artifacts(run_id=recorded.info.run_id))
    assert len((folder / "corruptions.csv").read_text().splitlines()) == 61
    assert {path.name for path in (folder / "plots").iterdir()} == {"corruptions.png", "corruption_samples.png"}


def as_metrics_of(metrics: dict[str, float]) -> Iterator[float]:
    return (metrics[METRIC.format(name, strength)] for name in CORRUPTIONS for strength in STRENGTHS)


def test_what_was_scored_is_found_again_by_the_run_that_trained_the_model(
    store: Client, outcome: RunResult, few: None
) -> None:
    mlflow.register_model(f"models:/{outcome.model_id}", "other")
    corrupt("models:/other/1")
    evaluate("models:/other/1")
    with pytest.raises(UsageError):
        corrupt("models:/other/1", split_seed=1)
    stored = find_evaluations(store, outcome.run_id)
    assert [one.kind for one in stored] == [CORRUPTED, TEST]
    assert stored[0].params["images"] == "20"
    assert find_evaluations(store, "another") == find_evaluations(store, "it's") == []
