"""Runs that make others needless."""

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from mlflow import MlflowClient as Client

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.jobs import main, seeds
from mnist_mlflow.jobs.launch import Outcome, Training
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.jobs.reuse import train_if_needed
from mnist_mlflow.protocol import DataOptions, SearchOptions
from mnist_mlflow.tracking import provenance
from mnist_mlflow.types import silent

Command = Callable[..., tuple[int, str, str]]
SMALL = DataOptions("digits", train_size=200)
KNN = Task("knn", {}, SMALL)
COMMIT = 40 * "a"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    check_out(COMMIT, b"", monkeypatch)


def check_out(commit: str | None, changes: bytes | None, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(provenance, "git_commit", lambda root: commit)
    patch.setattr(provenance, "uncommitted_changes", lambda root: changes)


def needed(task: Task = KNN) -> RunResult:
    return train_if_needed(task, silent)


def test_the_same_task_is_not_trained_twice(store: Client) -> None:
    first, second = needed(), needed(Task("knn", {"n_neighbors": 8}, SMALL))  # 8 is the default
    assert second == dataclasses.replace(first, metrics=second.metrics, is_reused=True)
    assert second.metrics["val_accuracy"] == first.metrics["val_accuracy"]
    assert len(store.search_runs(["0"])) == 1


@pytest.mark.parametrize(
    "task",
    [
        Task("knn", {"n_neighbors": 7}, SMALL),
        Task("knn", {}, dataclasses.replace(SMALL, seed=1)),
        Task("knn", {}, dataclasses.replace(SMALL, split_seed=1)),
        Task("knn", {}, dataclasses.replace(SMALL, train_size=201)),
        Task("knn", {}, dataclasses.replace(SMALL, trials=1)),
    ],
    ids=["hyperparameter", "seed", "split_seed", "train_size", "search"],
)
def test_another_task_is_trained(task: Task, store: Client) -> None:
    first, second = needed(), needed(task)
    assert not second.is_reused
    assert first.run_id != second.run_id


@pytest.mark.parametrize(
    ("commit", "changes"), [(40 * "b", b""), (COMMIT, b" M x.py"), (None, None)], ids=["commit", "changes", "no git"]
)
def test_other_code_is_run(
    commit: str | None, changes: bytes | None, store: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed()
    check_out(commit, changes, monkeypatch)
    assert not needed().is_reused


def test_a_changed_tree_is_told(
    store: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    check_out(COMMIT, b" M x.py", monkeypatch)
    needed()
    assert "needed=1 finds no run that is the same: the code has no commit, or changes since" in caplog.text


def test_a_run_that_failed_or_has_lost_its_model_is_not_reused(store: Client) -> None:
    first = needed()
    store.set_terminated(first.run_id, "FAILED")
    second = needed()
    assert second.run_id != first.run_id
    store.delete_logged_model(second.model_id)
    assert needed().run_id not in (first.run_id, second.run_id)


def test_a_search_is_reused_once_it_is_complete(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    search = Task("knn", {}, dataclasses.replace(SMALL, trials=2), SearchOptions(objective="accuracy"))
    first = needed(search)
    assert needed(search).run_id == first.run_id
    assert not needed(dataclasses.replace(search, search=SearchOptions())).is_reused
    store.set_tag(first.run_id, "search_ended", "interrupted")
    assert not needed(search).is_reused


def test_a_run_of_mlflow_says_which_run_is_the_same(
    store: Client, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = needed()
    opened = store.create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", opened)
    second = needed()
    assert second.run_id == first.run_id
    run = store.get_run(opened)
    assert (run.data.tags["role"], run.data.tags["reuses"]) == ("reuse", first.run_id)
    assert run.info.status == "FINISHED"


def test_main_trains_what_is_not_there_yet(store: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launched: list[str] = []

    def launch_all(trainings: Iterable[Training], *options: object) -> dict[str, Outcome]:
        launched.extend(training.key for training in trainings)
        return {}

    monkeypatch.setattr(main, "launch_all", launch_all)
    run_id = needed().run_id
    result = main.run(main.Params("digits", train_size=200, algorithms="knn,logistic", needed=True), silent)
    assert launched == ["logistic"]
    assert result.reused == {"knn": run_id}
    assert result.selection.decision.choice.winner.candidate.run_id == run_id


def test_of_several_seeds_those_that_are_missing_are_trained(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    launched, result = list[str](), needed()

    def launch_all(trainings: Iterable[Training], *options: object) -> dict[str, Outcome]:
        launched.extend(training.key for training in trainings)
        return {key: dataclasses.replace(result, run_id="another") for key in launched}

    monkeypatch.setattr(seeds, "launch_all", launch_all)
    task = seeds.SeedsTask.from_settings("knn", {"data": "digits", "train_size": 200, "seeds": "1,0"})
    summary = seeds.train_seeds(task, silent, is_reusing=True)
    assert launched == ["seed 1"]
    assert {seed: one.run_id for seed, one in summary.seeds.items()} == {1: "another", 0: result.run_id}
