"""A dry run decides; another account carries that out later, unless what it rests on has changed."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import load_dataset
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.jobs import applying, report, select
from mnist_mlflow.jobs.applying import Applied
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.tracking.aliases import CHALLENGER, CHAMPION, PREVIOUS
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.signatures import read_signatures
from mnist_mlflow.types import silent
from tests.conftest import Trained, open_copy, train_into_copy
from tests.selected import choose, connected
from tests.simulated import Client, add_run

SMALL = DataOptions("digits", train_size=200)


@dataclass(frozen=True)
class Decided:
    """A store with a champion, and a dry run of ada that prefers another model."""

    path: Path
    dry_run: str


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    tasks = [Task("knn", {"n_neighbors": 100, "weights": "uniform"}, SMALL), Task("logistic", {"max_iter": 300}, SMALL)]
    return train_into_copy(new_store, tmp_path_factory.mktemp("trained"), *tasks)


@pytest.fixture(scope="module")
def decided(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Decided:
    path = Path(shutil.copy(trained.path, tmp_path_factory.mktemp("decided")))
    with connected(path), pytest.MonkeyPatch.context() as patch:
        choose(algorithms="knn")
        patch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
        return Decided(path, choose(dry_run=True, reason="it is far better").run_id)


@pytest.fixture
def store(decided: Decided, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of a copy of that store, for bob."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "bob")
    yield from open_copy(decided.path, tmp_path, monkeypatch)


@pytest.fixture
def registry(store: Client) -> Registry:
    return Registry(store)


def apply(run_id: str, **options: Any) -> Applied:
    applied = select.run(select.Params(apply=run_id, **options), silent)
    assert isinstance(applied, Applied)
    return applied


def decision_of(client: Client, run_id: str) -> dict[str, Any]:
    return dict(json.loads(Path(client.download_artifacts(run_id, "decision.json")).read_text()))


def test_the_same_winner_gets_the_same_alias_with_the_same_words_and_the_test_images_are_opened_then(
    registry: Registry, decided: Decided, outcomes: list[RunResult], tmp_path: Path
) -> None:
    client, winner = registry.client, outcomes[1].run_id
    assert "test_accuracy" not in client.get_run(winner).data.metrics
    applied = apply(decided.dry_run[:12], reason="agreed")
    assert registry.aliases() == {CHAMPION: "2", PREVIOUS: "1", CHALLENGER: None}
    assert "test_accuracy" in client.get_run(winner).data.metrics
    version = client.get_model_version(registry.name, "2")
    before = decision_of(client, decided.dry_run)
    assert (version.run_id, applied.outcome.ruling.sentences) == (winner, before["sentences"])
    assert version.tags["ms_per_image"] == f"{before['to_apply']['finalists'][0]['ms_per_image']:.4g}"
    row = next(row for row in applied.done.table.to_dict("records") if row["run"] == winner)
    assert row["test %"] == f"{100 * float(version.tags['test_accuracy']):.2f}"
    tags = version.tags | read_signatures(version.tags)
    assert (tags["decided_by"], tags["decided_run_id"], tags["decided_at"]) == (
        "ada",
        decided.dry_run,
        before["decided_at"],
    )
    assert (tags["applied_by"], tags["reason"]) == ("bob", "agreed")
    assert tags["applied_run_id"] == tags["selection_run_id"] not in ("", decided.dry_run)
    page = report.run(report.Params(out=tmp_path / "page.html"), silent).read_text()
    for text in (version.description, page):
        assert f"ada, {tags['decided_at']}, run {decided.dry_run}" in text
        assert f"bob, {tags['applied_at']}, run {tags['applied_run_id']}" in text
        assert "agreed" in text
        assert "The test images of this split have been opened 2 times" in text
    assert "What is gone" not in page
    assert winner[:8] in page


def test_the_terminal_says_how_to_apply_and_what_was_applied(
    store: Client, decided: Decided, command: Callable[..., tuple[int, str, str]]
) -> None:
    _, output, _ = command("select", "--data=digits", "--dry_run=1", "--registered_model=other")
    (line,) = [line for line in output.splitlines() if "apply=" in line]
    words = dict(word.split("=", 1) for word in re.findall(r"--(\S+)", line))
    status, output, errors = command("select", *(f"--{name}={value}" for name, value in words.items()))
    assert (status, "Version 1 of other is champion" in output, "decided by" in output) == (0, True, True)
    assert "have been opened" in errors


def test_a_reason_of_the_dry_run_stays_where_none_is_given(registry: Registry, decided: Decided) -> None:
    apply(decided.dry_run)
    signed = read_signatures(registry.client.get_model_version(registry.name, "2").tags)
    assert signed["reason"] == "it is far better"


def another_decides(registry: Registry, outcomes: list[RunResult]) -> None:
    with registry.alone():
        registry.make_challenger("1")


def aliases_are_moved(registry: Registry, outcomes: list[RunResult]) -> None:
    registry.client.delete_registered_model_alias(registry.name, CHAMPION)


def the_winner_is_deleted(registry: Registry, outcomes: list[RunResult]) -> None:
    registry.client.delete_run(outcomes[1].run_id)


def the_model_is_deleted(registry: Registry, outcomes: list[RunResult]) -> None:
    registry.client.delete_logged_model(outcomes[1].model_id)


def a_figure_is_changed(registry: Registry, outcomes: list[RunResult]) -> None:
    registry.client.log_metric(outcomes[1].run_id, "val_accuracy", 0.5)


def a_better_run_ends(registry: Registry, outcomes: list[RunResult]) -> None:
    tags = registry.client.get_run(outcomes[1].run_id).data.tags
    add_run(registry.client, 0.999, **{name: tags[name] for name in ("dataset_digest", "split_digest")})


def another_seed_ends(registry: Registry, outcomes: list[RunResult]) -> None:
    tags = registry.client.get_run(outcomes[1].run_id).data.tags
    same = {name: tags[name] for name in ("dataset_digest", "split_digest", "configuration")}
    add_run(registry.client, 0.2, **same)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (another_decides, r"another selection decided meanwhile \(bob@.*challenger was none and is version 1"),
        (aliases_are_moved, "somebody moved aliases meanwhile; champion was version 1 and is none"),
        (the_winner_is_deleted, "run {winner} is gone, hidden from this account, or left out"),
        (the_model_is_deleted, "the model of the winner, run {winner}, is deleted"),
        (a_figure_is_changed, r"run {winner} had the val_accuracy and val_log_loss \(0\.99.*and has \(0\.5"),
        (a_better_run_ends, r"knn, run \w+, would take part now: val_accuracy 0\.9990"),
        (another_seed_ends, r"the configuration of the winner has another seed now, .*: run \w+"),
    ],
)
def test_what_has_changed_since_is_said_and_nothing_is_changed(
    registry: Registry,
    decided: Decided,
    outcomes: list[RunResult],
    change: Callable[[Registry, list[RunResult]], None],
    told: str,
) -> None:
    change(registry, outcomes)
    before, versions = registry.state(), registry.client.search_model_versions(f"name = '{registry.name}'")
    told = told.replace("{winner}", outcomes[1].run_id)
    with pytest.raises(
        UserFacingError, match=rf"Nothing was changed: .*{told}.*Decide again: .* -P dry_run=1"
    ) as caught:
        apply(decided.dry_run)
    assert "\n" not in str(caught.value)
    assert registry.state() == before
    assert len(registry.client.search_model_versions(f"name = '{registry.name}'")) == len(versions)
    assert "test_accuracy" not in registry.client.get_run(outcomes[1].run_id).data.metrics


def test_a_run_that_is_clearly_worse_changes_nothing(registry: Registry, decided: Decided, trained: Trained) -> None:
    tags = registry.client.get_run(decided.dry_run).data.tags
    add_run(registry.client, 0.3, **{name: tags[name] for name in ("dataset_digest", "split_digest")})
    assert apply(decided.dry_run).done.version == "2"


def test_other_data_than_those_of_the_decision_are_told(
    registry: Registry, decided: Decided, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "load_dataset", lambda *arguments, **options: load_dataset("digits", 1))
    with pytest.raises(UserFacingError, match="the data set digits is another one here, or is split otherwise"):
        apply(decided.dry_run)
    assert registry.aliases()[CHAMPION] == "1"


def test_what_is_no_dry_run_of_this_model_is_refused_before_there_is_a_run(
    registry: Registry, decided: Decided, outcomes: list[RunResult]
) -> None:
    (first,) = registry.client.search_runs(["0"], "tags.champion_version = '1'")
    count = len(registry.client.search_runs(["0"]))
    for run_id in (first.info.run_id, outcomes[0].run_id, "champion"):
        with pytest.raises(UsageError, match=r"is no dry run that ended well. Make one: mlflow run .* -P dry_run=1"):
            apply(run_id)
    with pytest.raises(UsageError, match=r"decides on the champion of mnist-digits, not of other\. Type: .*apply="):
        apply(decided.dry_run, registered_model="other")
    with pytest.raises(UsageError, match=r"decided among the runs of all experiments. Leave out experiment"):
        apply(decided.dry_run, experiment="Default")
    with pytest.raises(UsageError, match="Leave out: max_mb, prefer"):
        apply(decided.dry_run, prefer="size", max_mb=3)
    with pytest.raises(UsageError, match="Leave out: rollback"):
        apply(decided.dry_run, rollback=True)
    with pytest.raises(UsageError, match="There is no run abcd"):
        apply("abcd")
    assert len(registry.client.search_runs(["0"])) == count


def test_a_decision_is_applied_once(registry: Registry, decided: Decided) -> None:
    apply(decided.dry_run)
    with pytest.raises(UsageError, match=rf"was applied already, as version 2 of {registry.name}: bob, .*Decide again"):
        apply(decided.dry_run)


def test_an_application_that_was_killed_before_the_alias_moved_is_carried_out(
    registry: Registry, decided: Decided, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "make_champion", die)
        with pytest.raises(KeyboardInterrupt):
            apply(decided.dry_run)
    assert apply(decided.dry_run).done.version == "2"
    assert registry.aliases()[CHAMPION] == "2"


def test_a_decision_whose_file_is_damaged_is_told(store: Client, decided: Decided, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(store.download_artifacts(decided.dry_run, ""), tmp_path / "files"))
    for text in ("nonsense", '{"to_apply": {"winner": 3}}'):
        (folder / "decision.json").write_text(text)
        run = store.create_run("0", tags={"role": "selection"})
        store.log_artifacts(run.info.run_id, str(folder))
        store.set_terminated(run.info.run_id)
        with pytest.raises(UserFacingError, match=f"The decision.json of run {run.info.run_id} is damaged"):
            apply(run.info.run_id)
