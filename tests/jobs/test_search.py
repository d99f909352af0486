"""A search inside a run: its traces in the store, and a study that is continued."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import mlflow
import pandas as pd
import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.jobs.train import train
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.protocol import DataOptions, SearchOptions
from mnist_mlflow.types import silent
from tests.conftest import Trained, train_into_copy
from tests.searches import FIXED, task, trials_of

Client: TypeAlias = mlflow.MlflowClient


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train_into_copy(new_store, tmp_path_factory.mktemp("searched"), task(), drawn=True)


@pytest.fixture
def outcome(outcomes: list[RunResult]) -> RunResult:
    return outcomes[0]


def test_each_trial_is_a_small_child_run(trained_store: Client, outcome: RunResult) -> None:
    trials = trials_of(trained_store, outcome.run_id)
    assert list(trials) == [f"trial-{number:03d}" for number in range(5)]
    for run in trials.values():
        assert run.info.status == "FINISHED"
        assert {"role": "trial", "trial_state": "complete", "algorithm": "knn"}.items() <= run.data.tags.items()
        assert {"tuning_log_loss", "tuning_accuracy", "seconds"} <= run.data.metrics.keys()
        assert not [name for name in run.data.metrics if name.startswith("val_")]
        assert run.data.params["features"] == "deskewed"
        assert trained_store.list_artifacts(run.info.run_id) == []
        assert not run.outputs or not run.outputs.model_outputs


def test_the_parent_has_the_best_hyperparameters_the_model_and_the_evaluation(
    trained_store: Client, outcome: RunResult
) -> None:
    parent, trials = trained_store.get_run(outcome.run_id), trials_of(trained_store, outcome.run_id)
    best = min(trials.values(), key=lambda run: run.data.metrics["tuning_log_loss"])
    for name in ("n_neighbors", "weights", "components", "features"):
        assert parent.data.params[name] == best.data.params[name]
    assert {"workers": "1", "objective": "log_loss", "timeout": "0.0"}.items() <= parent.data.params.items()
    assert parent.outputs.model_outputs[0].model_id == outcome.model_id
    assert "val_accuracy" in parent.data.metrics
    assert {"search_ended": "complete", "trials_complete": "5"}.items() <= parent.data.tags.items()
    assert "learned" not in {file.path for file in trained_store.list_artifacts(outcome.run_id)}  # kNN cannot go on
    assert outcome.resume_command == ""


def test_the_default_is_the_first_trial(trained_store: Client, outcome: RunResult) -> None:
    first = trials_of(trained_store, outcome.run_id)["trial-000"].data.params
    assert {"n_neighbors": "8", "components": "70", "weights": "distance"}.items() <= first.items()


def test_the_summary_of_the_study_is_in_the_run(trained_store: Client, outcome: RunResult, tmp_path: Path) -> None:
    names = {Path(file.path).name for file in trained_store.list_artifacts(outcome.run_id, "search")}
    pictures = {"history.png", "importances.png", "parallel_coordinates.png", "slices.png"}
    assert pictures | {"trials.csv", "study.html"} <= names
    table = pd.read_csv(trained_store.download_artifacts(outcome.run_id, "search/trials.csv", str(tmp_path)))
    assert list(table["trial"]) == [0, 1, 2, 3, 4]
    assert {"state", "log_loss", "n_neighbors", "seconds"} <= set(table.columns)
    note = trained_store.get_run(outcome.run_id).data.tags["mlflow.note.content"]
    assert "### Search" in note
    assert "k-nearest neighbours" in note


def test_only_the_refit_model_is_scored_on_the_validation_images(
    store: Client, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def count(method: Callable[..., Any]) -> Callable[..., Any]:
        def counted(model: DigitModel, images: Any, *rest: Any, **options: Any) -> Any:
            sizes.append(len(images))
            return method(model, images, *rest, **options)

        return counted

    for method in (DigitModel.read, DigitModel.predict_proba):
        monkeypatch.setattr(DigitModel, method.__name__, count(method))
    train(task(3), silent)
    assert sizes == [len(digits.validation)]


def test_the_same_seed_tries_the_same(store: Client) -> None:
    first, second = (trials_of(store, train(task(4), silent).run_id) for _ in range(2))
    assert [run.data.params for run in first.values()] == [run.data.params for run in second.values()]
    other = Task("knn", FIXED, DataOptions("digits", train_size=200, trials=4, seed=1))
    third = trials_of(store, train(other, silent).run_id)
    assert [run.data.params for run in first.values()] != [run.data.params for run in third.values()]


def test_a_study_is_continued_up_to_the_number_that_is_asked_for(store: Client, tmp_path: Path) -> None:
    first = train(task(3, study="mine"), silent)
    second = train(task(5, study="mine"), silent)
    assert list(trials_of(store, first.run_id)) == ["trial-000", "trial-001", "trial-002"]
    assert list(trials_of(store, second.run_id)) == ["trial-003", "trial-004"]
    table = pd.read_csv(store.download_artifacts(second.run_id, "search/trials.csv", str(tmp_path)))
    assert list(table["trial"]) == [0, 1, 2, 3, 4]
    third = train(task(5, study="mine"), silent)
    assert trials_of(store, third.run_id) == {}
    assert third.metrics["val_accuracy"] == second.metrics["val_accuracy"]
    alone = trials_of(store, train(task(5), silent).run_id)
    assert alone["trial-004"].data.params == trials_of(store, second.run_id)["trial-004"].data.params


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (task(5, "svm", study="mine"), "algorithm"),
        (
            Task(
                "knn", FIXED, DataOptions("digits", train_size=200, split_seed=1, trials=5), SearchOptions(study="mine")
            ),
            "split_digest",
        ),
        (Task("knn", {}, DataOptions("digits", train_size=200, trials=5), SearchOptions(study="mine")), "given"),
        (task(5, study="mine", objective="accuracy"), "objective"),
    ],
)
def test_a_study_of_something_else_is_refused(store: Client, other: Task, difference: str) -> None:
    train(task(1, study="mine"), silent)
    with pytest.raises(UsageError, match=f"'mine' is another one: .*{difference} is"):
        train(other, silent)


def test_two_goals_end_on_the_front(store: Client, tmp_path: Path) -> None:
    outcome = train(task(5, objective="log_loss,latency"), silent)
    params = store.get_run(outcome.run_id).data.params
    reached = []
    for run in trials_of(store, outcome.run_id).values():
        goals = tuple(run.data.metrics[f"tuning_{name}"] for name in ("log_loss", "ms_per_image"))
        reached.append(goals)
        if run.data.params.items() <= params.items():
            winner = goals
    assert not [goals for goals in reached if goals[0] < winner[0] and goals[1] < winner[1]]
    front = pd.read_csv(store.download_artifacts(outcome.run_id, "search/pareto_front.csv", str(tmp_path)))
    assert winner == pytest.approx(tuple(front[front["log_loss"] == winner[0]][["log_loss", "latency"]].iloc[0]))
    assert front["log_loss"].argsort().tolist() == front["latency"].argsort().tolist()[::-1]


def test_the_progress_line_shows_trials_done_the_best_value_and_the_time_left(store: Client) -> None:
    lines: list[tuple[str, int, int, str]] = []
    train(task(3), lambda what, done, total, note="": lines.append((what, done, total, note)))
    lines = [line for line in lines if line[0] == "trials"]
    assert [(done, total) for _, done, total, _ in lines] == [(0, 3), (1, 3), (2, 3), (3, 3), (1, 1)]
    assert lines[1][3].startswith("best log_loss 0.")
    assert lines[1][3].endswith(" s left")


def test_studies_are_kept_beside_the_store_or_where_optuna_storage_says(
    store: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(task(1), silent)
    assert (tmp_path / "optuna.db").exists()
    monkeypatch.setenv("OPTUNA_STORAGE", f"sqlite:///{tmp_path}/elsewhere.db")
    train(task(1), silent)
    assert (tmp_path / "elsewhere.db").exists()
    monkeypatch.setenv("OPTUNA_STORAGE", "postgresql://someone:secret@127.0.0.1:9/studies")
    with pytest.raises(UserFacingError, match="storage of studies"):
        train(task(1), silent)
