import mlflow
import pytest

from mnist_mlflow import training
from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import Failure
from mnist_mlflow.protocol import Protocol
from mnist_mlflow.training import Task, train
from mnist_mlflow.types import silent

Client = mlflow.MlflowClient
SMALL = Protocol("digits", train_size=200)


@pytest.mark.parametrize("algorithm", ["forest", "cnn"])
def test_the_same_command_gives_the_same_metrics(store: Client, algorithm: str) -> None:
    given = {"cnn": {"epochs": 2}, "forest": {"n_estimators": 20}}[algorithm]
    first, second = (train(Task(algorithm, given, SMALL), silent).metrics for _ in range(2))
    same = [name for name in first if name.startswith("val_")]
    assert {name: first[name] for name in same} == {name: second[name] for name in same}


def test_training_never_sees_the_test_images(store: Client, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    without = Dataset(**{**vars(digits), "test": None})
    monkeypatch.setattr(training, "load_dataset", lambda *arguments: without)
    assert train(Task("knn", {}, SMALL), silent).metrics["val_accuracy"] > 0.8


def test_what_cannot_be_learned_is_said_in_a_line(store: Client) -> None:
    protocol = Protocol("digits", train_size=100)
    with pytest.raises(Failure, match=r"knn cannot learn with Params\(.*n_components=784 must be between 0 and"):
        train(Task("knn", {"components": 784}, protocol), silent)
    (run,) = store.search_runs(["0"])
    assert run.info.status == "FAILED"
    assert run.data.tags["failure"].startswith("knn cannot learn")
    assert run.data.tags["dataset"] == "digits"


def test_a_search_keeps_the_best_of_its_trials(store: Client) -> None:
    protocol = Protocol("digits", train_size=200, trials=4)
    outcome = train(Task("knn", {"features": "deskewed"}, protocol), silent)
    parent = store.get_run(outcome.run_id)
    trials = store.search_runs(["0"], f"tags.mlflow.parentRunId = '{outcome.run_id}'")
    assert sorted(trial.info.run_name for trial in trials) == [f"trial-{number:03d}" for number in range(4)]
    best = min(trials, key=lambda trial: trial.data.metrics["tuning_log_loss"])
    for name in ("n_neighbors", "weights", "components", "features"):
        assert parent.data.params[name] == best.data.params[name]
    assert {trial.data.params["features"] for trial in trials} == {"deskewed"}
    assert {trial.data.tags["role"] for trial in trials} == {"trial"}
    assert not [name for trial in trials for name in trial.data.metrics if name.startswith("val_")]
    assert not any(store.list_artifacts(trial.info.run_id) for trial in trials)


def test_a_trial_that_is_interrupted_is_not_finished(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "fit", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(Task("knn", {}, Protocol("digits", train_size=200, trials=2)), silent)
    found = {run.info.run_name: run for run in store.search_runs(["0"])}
    assert {name: run.info.status for name, run in found.items()} == {"knn": "KILLED", "trial-000": "FAILED"}
    assert found["trial-000"].data.tags["failure"] == "KeyboardInterrupt"
