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
from mnist_mlflow.tracking.candidates import find_candidates
from mnist_mlflow.tracking.registry import CHAMPION_URI, REGISTERED_MODEL
from mnist_mlflow.training import Outcome, Task, train
from mnist_mlflow.types import silent

Client = mlflow.MlflowClient
SMALL = Protocol("digits", train_size=200)


@pytest.fixture
def outcomes(store: Client) -> list[Outcome]:
    """A good and a bad run."""
    good = train(Task("logistic", {"max_iter": 300}, SMALL), silent)
    return [good, train(Task("knn", {"n_neighbors": 100, "weights": "uniform"}, SMALL), silent)]


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


def test_a_model_that_does_not_load_does_not_stop_the_selection(store: Client, outcomes: list[Outcome]) -> None:
    lost = find_candidates(store, *digests(store, outcomes[1]))[1]
    location = store.get_logged_model(lost.model_id).artifact_location
    (Path(location.removeprefix("file://")) / "MLmodel").unlink()
    selected = select("digits", 0, silent)
    assert selected.champion.run_id == outcomes[0].run_id
    assert len(selected.not_scored) == 1
    assert lost.model_id in selected.not_scored[0]


def digests(store: Client, outcome: Outcome) -> tuple[str, str]:
    tags = store.get_run(outcome.run_id).data.tags
    return tags["dataset_digest"], tags["split_digest"]


def test_an_empty_store_is_answered_with_what_to_type(store: Client) -> None:
    with pytest.raises(Failure, match=r"no finished run on digits with split_seed=3 .* mlflow run \. -e knn"):
        select("digits", 3, silent)
    (run,) = store.search_runs(["0"])
    assert run.info.status == "FAILED"
