from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest

from mnist_mlflow import training
from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import Failure
from mnist_mlflow.protocol import Protocol
from mnist_mlflow.training import Outcome, Task, train
from mnist_mlflow.types import silent
from tests.conftest import Trained, train_into_copy

Client = mlflow.MlflowClient
SMALL = Protocol("digits", train_size=200)
PICTURES = {"confusion_matrix.png", "per_class.png", "reliability.png", "mistakes.png"}


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run with learning curves."""
    return train_into_copy(new_store, tmp_path_factory.mktemp("trained"), Task("xgboost", {"rounds": 5}, SMALL))


@pytest.fixture
def boosted(trained_store: Client, outcomes: list[Outcome]) -> Any:
    return trained_store.get_run(outcomes[0].run_id)


@pytest.fixture
def client(trained_store: Client) -> Client:
    return trained_store


def test_the_run_holds_all_that_the_protocol_names(boosted: Any, client: Client) -> None:
    metrics, params, tags = boosted.data.metrics, boosted.data.params, boosted.data.tags
    shared = ("accuracy", "precision_macro", "recall_macro", "f1_macro", "log_loss", "ece", "f1_0", "f1_9")
    assert {f"val_{name}" for name in shared} <= metrics.keys()
    assert {"fit_seconds", "predict_ms_per_image", "model_mb", "tracking_seconds"} <= metrics.keys()
    assert not [name for name in metrics if name.startswith("test_")]
    assert {
        "data": "digits",
        "train_size": "200",
        "seed": "0",
        "split_seed": "0",
        "trials": "0",
    }.items() <= params.items()
    assert (params["rounds"], params["max_depth"]) == ("5", "6")
    assert {"role": "model", "algorithm": "xgboost", "dataset": "digits"}.items() <= tags.items()
    assert "mlflow run . -e xgboost" in tags["mlflow.note.content"]
    assert tags["engine"].startswith("xgboost 3.")
    assert len(tags["dataset_digest"]) == len(tags["split_digest"]) == 64


def test_the_learning_curves_are_logged_by_step(boosted: Any, client: Client) -> None:
    curve = client.get_metric_history(boosted.info.run_id, "epoch_val_accuracy")
    assert [point.step for point in curve] == [1, 2, 3, 4, 5]


def test_the_pictures_and_probabilities_are_artifacts(boosted: Any, client: Client, digits: Dataset) -> None:
    run_id = boosted.info.run_id
    pictures = {Path(found.path).name for found in client.list_artifacts(run_id, "plots")}
    assert pictures == PICTURES | {"learning_curves.png"}
    path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="validation_probabilities.npz")
    kept = np.load(path)
    assert np.array_equal(kept["labels"], digits.validation.labels)
    accuracy = (kept["probabilities"].argmax(axis=1) == kept["labels"]).mean()
    assert accuracy == pytest.approx(boosted.data.metrics["val_accuracy"])


def test_the_data_sets_are_inputs_under_our_digests(boosted: Any) -> None:
    tags = boosted.data.tags
    inputs = {entry.dataset.name: entry.dataset.digest for entry in boosted.inputs.dataset_inputs}
    assert inputs == {
        "digits-train": tags["dataset_digest"][:36],
        "digits-validation": tags["split_digest"][:36],
    }


def test_metric_model_and_data_are_tied(boosted: Any, client: Client) -> None:
    (output,) = boosted.outputs.model_outputs
    model = client.get_logged_model(output.model_id)
    (accuracy,) = [metric for metric in model.metrics if metric.key == "val_accuracy"]
    assert accuracy.dataset_name == "digits-validation"
    assert accuracy.run_id == model.source_run_id == boosted.info.run_id
    assert model.params["max_depth"] == "6"


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
