import json
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from mnist_mlflow import selection
from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import Failure
from mnist_mlflow.protocol import Protocol
from mnist_mlflow.selection import select
from mnist_mlflow.tracking.registry import CHAMPION_URI, REGISTERED_MODEL
from mnist_mlflow.training import Outcome, Task
from mnist_mlflow.types import silent
from tests.conftest import Trained, train_into_copy

Client = mlflow.MlflowClient
SMALL = Protocol("digits", train_size=200)


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A good and a bad run."""
    good = Task("logistic", {"max_iter": 300}, SMALL)
    bad = Task("knn", {"n_neighbors": 100, "weights": "uniform"}, SMALL)
    return train_into_copy(new_store, tmp_path_factory.mktemp("trained"), good, bad)


@pytest.fixture
def store(trained_store: Client) -> Client:
    return trained_store


def test_the_best_on_validation_becomes_champion(store: Client, outcomes: list[Outcome], digits: Dataset) -> None:
    selected = select("digits", 0, silent)
    champion = store.get_model_version_by_alias(REGISTERED_MODEL, "champion")
    assert selected.champion.run_id == champion.run_id == outcomes[0].run_id
    assert f"{outcomes[0].metrics['val_accuracy']}" == champion.tags["val_accuracy"]
    assert champion.tags["algorithm"] == "logistic"
    assert "Load it with" in champion.description
    predictions = mlflow.pyfunc.load_model(CHAMPION_URI).predict(digits.test.images)
    assert (predictions["digit"] == digits.test.labels).mean() == selected.champion.metrics["test_accuracy"]


def test_every_candidate_is_scored_on_the_test_images(store: Client, outcomes: list[Outcome]) -> None:
    selected = select("digits", 0, silent)
    for outcome in outcomes:
        assert "test_f1_macro" in store.get_run(outcome.run_id).data.metrics
        model = store.get_logged_model(outcome.model_id)
        assert "digits-test" in {metric.dataset_name for metric in model.metrics if metric.key == "test_accuracy"}
    assert list(selected.table["algorithm"]) == ["logistic", "knn"]
    version = store.get_model_version(REGISTERED_MODEL, str(selected.version))
    assert float(version.tags["test_accuracy"]) == selected.champion.metrics["test_accuracy"]


def test_the_test_images_are_opened_after_the_decision(
    store: Client, outcomes: list[Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened_with_champion: list[str] = []

    def look(uri: str, dataset: Dataset) -> dict[str, float]:
        opened_with_champion.append(store.get_model_version_by_alias(REGISTERED_MODEL, "champion").run_id)
        return {"test_accuracy": 0.5}

    monkeypatch.setattr(selection, "score_on_test", look)
    select("digits", 0, silent)
    assert opened_with_champion == [outcomes[0].run_id] * 2


def test_the_run_of_a_selection_tells_its_story(store: Client, outcomes: list[Outcome], tmp_path: Path) -> None:
    select("digits", 0, silent)
    (run,) = store.search_runs(["0"], "tags.role = 'selection'")
    assert run.data.tags["test_opened_for"] == "2 of 2 candidates, after the decision"
    assert run.data.tags["champion_run_id"] == outcomes[0].run_id
    store.download_artifacts(run.info.run_id, "", str(tmp_path))
    assert "logistic" in run.data.tags["mlflow.note.content"]
    assert json.loads((tmp_path / "decision.json").read_text())["compared"] == 2
    table = pd.read_csv(tmp_path / "leaderboard.csv")
    assert list(table["run"]) == [outcome.run_id for outcome in outcomes]
    assert "| logistic" in (tmp_path / "leaderboard.md").read_text()
    assert (tmp_path / "leaderboard.html").read_text().count("<tr") == 3


def test_what_was_scored_before_is_not_scored_again(store: Client, outcomes: list[Outcome]) -> None:
    select("digits", 0, silent)
    select("digits", 0, silent)
    runs = store.search_runs(["0"], "tags.role = 'selection'", order_by=["start_time DESC"])
    assert runs[0].data.tags["test_opened_for"] == "0 of 2 candidates, after the decision"
    assert len(store.search_model_versions(f"name = '{REGISTERED_MODEL}'")) == 1


@pytest.mark.parametrize("lost", [0, 1])
def test_a_model_that_does_not_load_is_named_and_is_no_champion(
    store: Client, outcomes: list[Outcome], lost: int
) -> None:
    store.delete_logged_model(outcomes[lost].model_id)
    selected = select("digits", 0, silent)
    assert selected.champion.run_id == outcomes[1 - lost].run_id
    assert selected.champion.test_metrics
    assert len(selected.not_scored) == 1
    assert outcomes[lost].model_id in selected.not_scored[0]


def test_a_champion_that_is_lost_does_not_stay_champion(store: Client, outcomes: list[Outcome]) -> None:
    select("digits", 0, silent)
    store.delete_logged_model(outcomes[0].model_id)
    assert select("digits", 0, silent).champion.run_id == outcomes[1].run_id


def test_nothing_is_registered_when_no_model_loads(store: Client, outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        store.delete_logged_model(outcome.model_id)
    with pytest.raises(Failure, match="None of the 2 candidates has a model that loads"):
        select("digits", 0, silent)
    assert store.search_registered_models() == []


def test_an_empty_store_is_answered_with_what_to_type(store: Client) -> None:
    with pytest.raises(
        Failure, match=r"no finished run on digits with split_seed=3 .* mlflow run \. -e knn --env-manager local"
    ):
        select("digits", 3, silent)
    (run,) = store.search_runs(["0"], "tags.role = 'selection'")
    assert run.info.status == "FAILED"
