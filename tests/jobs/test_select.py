import json
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import mlflow
import pandas as pd
import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.jobs.select import Request, roll_back, select
from mnist_mlflow.protocol import DataOptions, Rule, Scope
from mnist_mlflow.selection import test_images as scoring
from mnist_mlflow.tracking.registry import CHALLENGER, CHAMPION, CHAMPION_URI, PREVIOUS, REGISTERED_MODEL, Registry
from mnist_mlflow.types import silent
from tests.conftest import Trained, train_into_copy

Client: TypeAlias = mlflow.MlflowClient
SMALL = DataOptions("digits", train_size=200)
NOW = Request()


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A good and a bad run."""
    good = Task("logistic", {"max_iter": 300}, SMALL)
    bad = Task("knn", {"n_neighbors": 100, "weights": "uniform"}, SMALL)
    return train_into_copy(new_store, tmp_path_factory.mktemp("trained"), good, bad)


@pytest.fixture
def store(trained_store: Client) -> Client:
    return trained_store


def selection_run(client: Client) -> Any:
    return client.search_runs(["0"], "tags.role = 'selection'", order_by=["start_time DESC"])[0]


def artifacts(client: Client, folder: Path) -> Path:
    client.download_artifacts(selection_run(client).info.run_id, "", str(folder))
    return folder


def test_the_best_on_validation_becomes_champion(store: Client, outcomes: list[RunResult], digits: Dataset) -> None:
    selected = select("digits", NOW, silent)
    champion = store.get_model_version_by_alias(REGISTERED_MODEL, CHAMPION)
    winner = selected.decision.choice.winner.candidate
    assert winner.run_id == champion.run_id == outcomes[0].run_id
    assert f"{outcomes[0].metrics['val_accuracy']}" == champion.tags["val_accuracy"]
    assert champion.tags["algorithm"] == "logistic"
    assert float(champion.tags["ms_per_image"]) > 0
    predictions = mlflow.pyfunc.load_model(CHAMPION_URI).predict(digits.test.images)
    accuracy = (predictions["digit"] == digits.test.labels).mean()
    assert accuracy == selected.opened.tested[winner.run_id]["test_accuracy"] == float(champion.tags["test_accuracy"])


def test_version_and_selection_name_each_other(store: Client) -> None:
    selected = select("digits", NOW, silent)
    run, version = selection_run(store), store.get_model_version_by_alias(REGISTERED_MODEL, CHAMPION)
    assert version.tags["selection_run_id"] == run.info.run_id
    assert (run.data.tags["champion_version"], run.data.tags["champion_run_id"]) == (selected.version, version.run_id)
    assert version.description == run.data.tags["mlflow.note.content"]
    assert "## Load it" in version.description


def test_finalists_alone_are_scored_on_the_test_images(store: Client, outcomes: list[RunResult]) -> None:
    selected = select("digits", NOW, silent)
    assert [finalist.candidate.algorithm for finalist in selected.decision.choice.finalists] == ["logistic"]
    assert "test_f1_macro" in store.get_run(outcomes[0].run_id).data.metrics
    assert "test_f1_macro" not in store.get_run(outcomes[1].run_id).data.metrics
    model = store.get_logged_model(outcomes[0].model_id)
    assert "digits-test" in {metric.dataset_name for metric in model.metrics if metric.key == "test_accuracy"}


def test_the_decision_is_written_down_before_the_test_images_are_opened(
    store: Client, outcomes: list[RunResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[dict[str, Any]] = []
    real = scoring.score_on_test

    def look(uri: str, dataset: Dataset) -> dict[str, float]:
        written.append(json.loads((artifacts(store, tmp_path) / "decision.json").read_text()))
        assert store.get_model_version_by_alias(REGISTERED_MODEL, CHAMPION).run_id == outcomes[0].run_id
        return real(uri, dataset)

    monkeypatch.setattr(scoring, "score_on_test", look)
    select("digits", NOW, silent)
    (decision,) = written
    decided = datetime.fromisoformat(decision["decided_at"]).timestamp() * 1000
    history = store.get_metric_history(outcomes[0].run_id, "test_accuracy")
    assert decided < history[0].timestamp
    assert decision["winner"]["run_id"] == outcomes[0].run_id


def test_the_run_of_a_selection_tells_its_story(store: Client, outcomes: list[RunResult], tmp_path: Path) -> None:
    select("digits", NOW, silent)
    run = selection_run(store)
    assert run.data.tags["test_opened_for"] == "1 of 1 finalists, after the decision"
    assert run.data.params["prefer"] == "accuracy"
    decision = json.loads((artifacts(store, tmp_path) / "decision.json").read_text())
    assert [entry["run_id"] for entry in decision["compared"]] == [outcomes[0].run_id]
    assert decision["certainly_worse"] == [outcomes[1].run_id]
    assert decision["rule"]["text"].endswith("the most accurate, then the fastest")
    table = pd.read_csv(tmp_path / "leaderboard.csv")
    assert list(table["run"]) == [outcome.run_id for outcome in outcomes]
    assert "| logistic" in (tmp_path / "leaderboard.md").read_text()
    assert (tmp_path / "leaderboard.html").read_text().count("<tr") == 3
    assert (tmp_path / "plots" / "pareto.png").read_bytes().startswith(b"\x89PNG")


def test_the_test_images_are_opened_once_and_each_opening_is_counted(store: Client) -> None:
    assert select("digits", NOW, silent).opened.openings == 1
    again = select("digits", NOW, silent)
    assert again.opened.openings == 1  # what was scored is not scored again
    assert "test_opened_for" not in selection_run(store).data.tags
    assert again.opened.tested.keys() == {again.decision.choice.winner.candidate.run_id}
    assert len(store.search_model_versions(f"name = '{REGISTERED_MODEL}'")) == 1
    scoring.evaluate(CHAMPION_URI, "digits", 0, silent)
    assert select("digits", NOW, silent).opened.openings == 2


def test_a_dry_run_decides_and_changes_nothing(store: Client, outcomes: list[RunResult], tmp_path: Path) -> None:
    selected = select("digits", Request(dry_run=True), silent)
    assert (selected.version, selected.opened.openings) == (None, 0)
    assert selected.decision.choice.winner.candidate.run_id == outcomes[0].run_id
    assert store.search_registered_models() == []
    assert "test_accuracy" not in store.get_run(outcomes[0].run_id).data.metrics
    assert (artifacts(store, tmp_path) / "decision.json").is_file()


def test_who_is_no_match_for_the_champion_becomes_challenger(store: Client, outcomes: list[RunResult]) -> None:
    select("digits", NOW, silent)
    selected = select("digits", Request(scope=Scope(algorithms="knn")), silent)
    assert selected.decision.verdict.alias == CHALLENGER
    assert "significantly worse than the champion" in selected.decision.sentences["becomes"]
    assert store.get_model_version_by_alias(REGISTERED_MODEL, CHAMPION).run_id == outcomes[0].run_id
    assert store.get_model_version_by_alias(REGISTERED_MODEL, CHALLENGER).run_id == outcomes[1].run_id
    assert selection_run(store).data.tags["challenger_version"] == selected.version


def test_a_champion_over_the_budget_is_replaced_and_a_rollback_puts_it_back(
    store: Client, outcomes: list[RunResult]
) -> None:
    select("digits", NOW, silent)
    budget = Rule(max_ece=outcomes[1].metrics["val_ece"])
    if outcomes[0].metrics["val_ece"] <= budget.max_ece:
        budget = Rule(max_mb=0.001)
        with pytest.raises(UserFacingError, match="None of the 2 runs can become champion; nothing was changed"):
            select("digits", Request(rule=budget), silent)
        return
    assert select("digits", Request(rule=budget), silent).decision.verdict.alias == CHAMPION
    assert roll_back() == ("1", "2")
    assert Registry(store).aliases() == {CHAMPION: "1", PREVIOUS: "2", CHALLENGER: None}
    again = select("digits", Request(rule=budget), silent)
    assert again.decision.verdict.alias == CHAMPION
    assert "was taken back on" in again.decision.choice.field.left_out_text[0]


@pytest.mark.parametrize("lost", [0, 1])
def test_a_model_that_is_lost_is_no_champion(store: Client, outcomes: list[RunResult], lost: int) -> None:
    select("digits", NOW, silent)
    store.delete_logged_model(outcomes[lost].model_id)
    assert select("digits", NOW, silent).decision.choice.winner.candidate.run_id == outcomes[1 - lost].run_id


def test_a_model_whose_files_are_damaged_leaves_its_place_to_the_next(store: Client, outcomes: list[RunResult]) -> None:
    model = store.get_logged_model(outcomes[0].model_id)
    path = Path(model.artifact_location.removeprefix("file://")) / "MLmodel"
    kept = path.read_bytes()
    path.write_text("nonsense")
    try:
        selected = select("digits", NOW, silent)
    finally:
        path.write_bytes(kept)  # other tests have the same files
    assert selected.decision.choice.winner.candidate.run_id == outcomes[1].run_id
    (reason,) = selected.decision.choice.field.left_out_text
    assert outcomes[0].model_id in reason
    assert "cannot be asked" in reason


def test_what_is_newer_and_was_not_considered_is_told(store: Client, outcomes: list[RunResult]) -> None:
    late = store.create_run("0", tags={"role": "model", "algorithm": "svm"}).info.run_id
    (overlooked,) = select("digits", NOW, silent).decision.overlooked
    assert (overlooked.run_id, overlooked.algorithm, overlooked.reason) == (late, "svm", "it is still running")


def test_models_of_another_split_are_told_to_be_not_comparable(store: Client, outcomes: list[RunResult]) -> None:
    store.set_tag(outcomes[1].run_id, "split_digest", "another")
    (other,) = select("digits", NOW, silent).decision.other_images
    assert other.run_id == outcomes[1].run_id


def test_an_empty_store_is_answered_with_what_to_type(store: Client) -> None:
    with pytest.raises(
        UserFacingError,
        match=r"no finished run on digits with split_seed=3 .* mlflow run \. -e knn --env-manager local",
    ) as caught:
        select("digits", Request(split_seed=3), silent)
    assert "Not comparable: runs on digits, split_seed=0, for example" in str(caught.value)
    assert selection_run(store).info.status == "FAILED"


def test_filters_that_let_nothing_through_are_named(store: Client) -> None:
    with pytest.raises(UserFacingError, match=r"that the filters let through. Type: mlflow run \. -e select"):
        select("digits", Request(scope=Scope(where="metrics.val_accuracy > 2")), silent)
    with pytest.raises(UsageError, match="no filter that MLflow understands"):
        select("digits", Request(scope=Scope(where="nonsense")), silent)
    assert store.search_registered_models() == []


def test_a_rollback_without_a_previous_champion_is_refused(store: Client) -> None:
    select("digits", NOW, silent)
    with pytest.raises(UserFacingError, match="no previous champion"):
        roll_back()
    assert Registry(store).aliases()[CHAMPION] == "1"
