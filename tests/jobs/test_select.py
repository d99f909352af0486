import contextlib
import json
import re
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow.tracking._model_registry.client import ModelRegistryClient

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.jobs import evaluate, select
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.jobs.rollback import Rollback
from mnist_mlflow.jobs.train import train
from mnist_mlflow.model.archive import pack, unpacked
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.selection import promotion
from mnist_mlflow.selection.deciding import decide
from mnist_mlflow.selection.test_images import score_finalists
from mnist_mlflow.tracking.aliases import CHALLENGER, CHAMPION, PREVIOUS
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.versions import SELECTED_BY
from mnist_mlflow.types import silent
from tests.conftest import Trained, open_copy, train_into_copy
from tests.selected import Selected, choose, connected, select_in_copy
from tests.simulated import Client

SMALL = DataOptions("digits", train_size=200)
ROLLBACK = select.Params(rollback=True)


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A good and a bad run."""
    good = Task("logistic", {"max_iter": 300}, SMALL)
    bad = Task("knn", {"n_neighbors": 100, "weights": "uniform"}, SMALL)
    return train_into_copy(new_store, tmp_path_factory.mktemp("trained"), good, bad)


@pytest.fixture(scope="module")
def selected(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Selected:
    return select_in_copy(trained, tmp_path_factory.mktemp("selected"))


@pytest.fixture
def selection(selected: Selected) -> select.Selection:
    return selected.selection


@pytest.fixture
def store(selected: Selected, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of a store with a champion."""
    yield from open_copy(selected.path, tmp_path, monkeypatch)


@pytest.fixture
def registry(store: Client) -> Registry:
    return Registry(store)


def champion(registry: Registry) -> Any:
    return registry.version(CHAMPION)


def selection_run(client: Client) -> Any:
    return client.search_runs(["0"], "tags.role = 'selection'", order_by=["start_time DESC"])[0]


@pytest.fixture(scope="module")
def artifacts(selected: Selected, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifacts of the first selection."""
    folder = tmp_path_factory.mktemp("artifacts")
    with connected(selected.path) as client:
        client.download_artifacts(selection_run(client).info.run_id, "", str(folder))
    return folder


class TestFirstSelection:
    def test_the_best_on_validation_becomes_champion(
        self, registry: Registry, selection: select.Selection, outcomes: list[RunResult], digits: Dataset
    ) -> None:
        version, winner = champion(registry), selection.decision.choice.winner
        assert winner.candidate.run_id == version.run_id == outcomes[0].run_id
        assert f"{outcomes[0].metrics['val_accuracy']}" == version.tags["val_accuracy"]
        assert version.tags["algorithm"] == "logistic"
        assert float(version.tags["ms_per_image"]) > 0
        assert len(version.tags) <= 7  # a rollback adds one, and the UI shows all of them
        predictions = mlflow.pyfunc.load_model(registry.uri(CHAMPION)).predict(digits.test.images)
        accuracy = (predictions["digit"] == digits.test.labels).mean()
        tested = selection.test_scores.metrics[winner]
        assert accuracy == tested["test_accuracy"] == float(version.tags["test_accuracy"])

    def test_version_and_run_name_each_other(self, registry: Registry, selection: select.Selection) -> None:
        run, version = selection_run(registry.client), champion(registry)
        tags = run.data.tags
        assert version.tags["selection_run_id"] == run.info.run_id
        assert (tags["champion_version"], tags["champion_run_id"]) == (selection.version, version.run_id)
        assert version.description == tags["mlflow.note.content"]
        assert "## Load it" in version.description

    def test_finalists_alone_are_scored_on_the_test_images(
        self, store: Client, selection: select.Selection, outcomes: list[RunResult]
    ) -> None:
        assert [entry.candidate.algorithm for entry in selection.decision.choice.finalists] == ["logistic"]
        assert "test_f1_macro" in store.get_run(outcomes[0].run_id).data.metrics
        assert "test_f1_macro" not in store.get_run(outcomes[1].run_id).data.metrics
        model = store.get_logged_model(outcomes[0].model_id)
        assert "digits-test" in {metric.dataset_name for metric in model.metrics if metric.key == "test_accuracy"}

    def test_the_decision_is_logged_before_the_test_images_are_opened(
        self, registry: Registry, outcomes: list[RunResult]
    ) -> None:
        run = selection_run(registry.client)
        logged = Path(run.info.artifact_uri.removeprefix("file://")) / "decision.json"
        decision = json.loads(logged.read_text())
        assert decision["winner"]["run_id"] == outcomes[0].run_id
        (scored,) = registry.client.get_metric_history(outcomes[0].run_id, "test_accuracy")
        decided = datetime.fromisoformat(decision["decided_at"]).timestamp() * 1000
        assert decided < 1000 * logged.stat().st_ctime < champion(registry).creation_timestamp + 1 < scored.timestamp

    def test_its_run_holds_the_decision_and_the_leaderboard(
        self, store: Client, artifacts: Path, outcomes: list[RunResult]
    ) -> None:
        run = selection_run(store)
        assert run.data.tags["test_opened_for"] == "1 of 1 finalists, after the decision"
        assert (run.data.params["prefer"], run.data.params["dry_run"]) == ("accuracy", "0")
        decision = json.loads((artifacts / "decision.json").read_text())
        assert [entry["run_id"] for entry in decision["compared"]] == [outcomes[0].run_id]
        assert decision["certainly_worse"] == [outcomes[1].run_id]
        assert decision["rule"]["text"].startswith("the most accurate, then the fastest, of")
        table = pd.read_csv(artifacts / "leaderboard.csv")
        assert list(table["run"]) == [outcome.run_id for outcome in outcomes]
        assert "| logistic" in (artifacts / "leaderboard.md").read_text()
        assert (artifacts / "leaderboard.html").read_text().count("<tr") == 3
        assert (artifacts / "plots" / "pareto.png").read_bytes().startswith(b"\x89PNG")


def test_the_test_images_are_opened_once_and_each_opening_is_counted(
    registry: Registry, selection: select.Selection
) -> None:
    assert selection.test_scores.openings == 1
    evaluate.run(evaluate.Params(data="digits"), silent)
    again = choose()
    assert again.test_scores.openings == 2  # what was scored is not scored again
    assert "test_opened_for" not in selection_run(registry.client).data.tags
    assert list(again.test_scores.metrics) == [again.decision.choice.winner]
    assert len(registry.client.search_model_versions(f"name = '{registry.name}'")) == 1


def test_a_dry_run_decides_and_changes_nothing(trained_store: Client, outcomes: list[RunResult]) -> None:
    selection = choose(dry_run=True)
    assert (selection.version, selection.test_scores.openings) == (None, 0)
    assert (selection.alias, selection.model_uri) == (CHAMPION, outcomes[0].model_uri)
    assert trained_store.search_registered_models() == []
    assert "test_accuracy" not in trained_store.get_run(outcomes[0].run_id).data.metrics
    files = [file.path for file in trained_store.list_artifacts(selection_run(trained_store).info.run_id)]
    assert "decision.json" in files


def test_a_challenger_is_no_match_for_the_champion_and_a_rollback_lasts(
    registry: Registry, outcomes: list[RunResult]
) -> None:
    selection = choose(algorithms="knn")
    assert selection.decision.verdict.alias == CHALLENGER
    assert "significantly worse than the champion" in selection.decision.sentences["becomes"]
    assert registry.aliases() == {CHAMPION: "1", PREVIOUS: None, CHALLENGER: selection.version}
    assert selection_run(registry.client).data.tags["challenger_version"] == selection.version
    registry.make_champion("2")
    assert select.run(ROLLBACK, silent) == Rollback(registry.name, "1", "2")
    assert registry.aliases() == {CHAMPION: "1", PREVIOUS: "2", CHALLENGER: None}
    (excluded,) = choose(dry_run=True).decision.choice.excluded
    assert "was taken back on" in excluded.exclusion


def test_a_rollback_that_was_killed_is_completed_by_the_next_and_not_repeated(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.make_champion("1")
    registry.make_champion(choose(algorithms="knn").version or "")

    def die(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ModelRegistryClient, "set_registered_model_alias", die)
        with pytest.raises(KeyboardInterrupt):
            select.run(ROLLBACK, silent)
    assert select.run(ROLLBACK, silent) == Rollback(registry.name, "1", "2")
    assert registry.aliases() == {CHAMPION: "1", PREVIOUS: "2", CHALLENGER: None}


def test_a_selection_that_another_machine_overtakes_changes_nothing_and_says_so(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_overtaken(*arguments: Any) -> Any:
        decision = decide(*arguments)
        with registry.alone():
            registry.move({CHAMPION: None, PREVIOUS: None, CHALLENGER: "1"})
        return decision

    monkeypatch.setattr(select, "decide", be_overtaken)
    before = champion(registry).description
    with pytest.raises(UserFacingError, match=r"another selection decided meanwhile \(run \w+ of .*@"):
        choose(algorithms="knn")
    assert registry.aliases() == {CHAMPION: None, PREVIOUS: None, CHALLENGER: "1"}
    version = registry.version(CHALLENGER)
    assert version
    assert (version.description, selection_run(registry.client).info.status) == (before, "FAILED")
    assert len(registry.client.search_model_versions(f"name = '{registry.name}'")) == 1


def test_a_card_that_another_selection_has_written_meanwhile_stays(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_overtaken(*arguments: Any) -> Any:
        registry.tag("1", {SELECTED_BY: "another"})
        registry.describe("1", "the card of another")
        return score_finalists(*arguments)

    monkeypatch.setattr(promotion, "score_finalists", be_overtaken)
    choose()
    assert champion(registry).description == "the card of another"


def test_a_budget_that_nobody_keeps_changes_nothing(registry: Registry) -> None:
    with pytest.raises(UserFacingError, match="None of the 2 runs can become champion; nothing was changed"):
        choose(max_mb=0.001)
    assert registry.aliases()[CHAMPION] == "1"


def test_a_model_that_is_lost_is_no_champion(store: Client, outcomes: list[RunResult]) -> None:
    store.delete_logged_model(outcomes[0].model_id)
    assert choose(dry_run=True).decision.choice.winner.candidate.run_id == outcomes[1].run_id


def folder_of(artifact_uri: str) -> Path:
    return Path(artifact_uri.removeprefix("file://"))


def test_a_model_whose_files_are_damaged_leaves_its_place_to_the_next(
    trained_store: Client, outcomes: list[RunResult]
) -> None:
    path = folder_of(trained_store.get_logged_model(outcomes[0].model_id).artifact_location) / "MLmodel"
    whole = path.read_bytes()
    path.write_text("nonsense")
    try:
        selection = choose(dry_run=True)
    finally:
        path.write_bytes(whole)  # other tests have the same files
    assert selection.decision.choice.winner.candidate.run_id == outcomes[1].run_id
    (excluded,) = selection.decision.choice.excluded
    assert outcomes[0].model_id in excluded.excluded
    assert "cannot be asked" in excluded.excluded


@contextlib.contextmanager
def repacked(archive: Path) -> Iterator[Path]:
    """The files of an archive, which may be changed."""
    with unpacked(archive) as folder:
        yield folder
        pack(folder, archive)


@contextlib.contextmanager
def of_last_month(model: Path) -> Iterator[None]:
    """The files of a model as other code wrote them: its loader has another name, and knows another format alone."""
    original = model.with_name("original")
    shutil.copytree(model, original)
    with repacked(model / "code" / "mnist_mlflow" / "code.zip") as package:
        loader = (package / "model" / "digit_model.py").read_text()
        (package / "model" / "digit_model.py").unlink()
        (package / "model" / "loader.py").write_text(loader.replace("FORMATS = (3,)", "FORMATS = (0,)"))
    about = (model / "MLmodel").read_text()
    (model / "MLmodel").write_text(
        re.sub("(code_digest|format): .*", r"\1: other", about.replace("model.digit_model", "model.loader"))
    )
    with repacked(model / "data" / "digit_model.zip") as files:
        description = files / "model.json"
        description.write_text(description.read_text().replace('"format": 3', '"format": 0'))
    try:
        yield
    finally:
        shutil.rmtree(model)  # other tests have the same files
        original.rename(model)


def test_a_champion_of_other_code_is_asked_by_that_and_stays(store: Client, outcomes: list[RunResult]) -> None:
    with of_last_month(folder_of(store.get_logged_model(outcomes[0].model_id).artifact_location)):
        decision = choose(dry_run=True).decision
    assert (decision.verdict.champion_before, decision.verdict.note) == ("1", "")
    assert decision.choice.winner.candidate.run_id == outcomes[0].run_id
    assert decision.choice.winner.is_measured
    assert decision.choice.excluded == []


def test_a_champion_whose_run_or_probabilities_are_gone_is_asked_and_measured(
    store: Client, outcomes: list[RunResult]
) -> None:
    equal = train(Task("logistic", {"max_iter": 299}, SMALL), silent)
    path = folder_of(store.get_run(outcomes[0].run_id).info.artifact_uri) / "validation_probabilities.npz"
    stored = path.read_bytes()
    path.unlink()
    try:
        decision = choose(dry_run=True).decision
        store.delete_run(outcomes[0].run_id)
        without_run = choose(dry_run=True).decision
    finally:
        path.write_bytes(stored)  # other tests have the same files
    for verdict in (decision.verdict, without_run.verdict):
        assert (verdict.champion_before, verdict.note) == ("1", "")
    assert decision.choice.winner.candidate.run_id == equal.run_id
    assert "validation_probabilities.npz" in decision.choice.excluded[0].excluded


def test_others_are_told_that_were_not_considered_or_are_not_comparable(
    store: Client, outcomes: list[RunResult]
) -> None:
    late = store.create_run("0", tags={"role": "model", "algorithm": "svm"}).info.run_id
    store.set_tag(outcomes[1].run_id, "split_digest", "another")
    decision = choose(dry_run=True).decision
    (running,) = decision.unconsidered
    assert (running.run_id, running.algorithm, running.reason) == (late, "svm", "it is still running")
    assert [other.run_id for other in decision.not_comparable] == [outcomes[1].run_id]


def test_a_store_without_candidates_is_answered_with_what_to_type(trained_store: Client) -> None:
    with pytest.raises(
        UserFacingError,
        match=r"no finished run on digits with split_seed=3 .* mlflow run \. -e knn --env-manager local",
    ) as caught:
        choose(split_seed=3)
    assert "Not comparable: runs on digits, split_seed=0, for example" in str(caught.value)
    assert selection_run(trained_store).info.status == "FAILED"
    with pytest.raises(UserFacingError, match=r"that the filters let through. Type: mlflow run \. -e select"):
        choose(where="metrics.val_accuracy > 2")
    with pytest.raises(UsageError, match="no filter that MLflow understands"):
        choose(where="nonsense")
    assert trained_store.search_registered_models() == []


def test_a_rollback_without_a_previous_champion_is_refused(registry: Registry) -> None:
    with pytest.raises(UserFacingError, match="no previous champion"):
        select.run(ROLLBACK, silent)
    assert registry.aliases()[CHAMPION] == "1"


def test_a_rollback_that_changes_nothing_is_refused(store: Client) -> None:
    with pytest.raises(UsageError, match="rollback=1 and dry_run=1 do not go together"):
        select.run(select.Params(rollback=True, dry_run=True), silent)
