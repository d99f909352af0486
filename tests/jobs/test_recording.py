"""What a run holds when it has finished."""

from pathlib import Path
from typing import Any, TypeAlias

import mlflow
import numpy as np
import pytest
import xgboost

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.types import PROBABILITY_COLUMNS
from tests.conftest import Trained, train_into_copy

Client: TypeAlias = mlflow.MlflowClient
SMALL = DataOptions("digits", train_size=200)
PICTURES = {"confusion_matrix.png", "per_class.png", "reliability.png", "risk_coverage.png", "mistakes.png"}


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run with learning curves."""
    task = Task("xgboost", {"rounds": 5}, SMALL)
    return train_into_copy(new_store, tmp_path_factory.mktemp("trained"), task, drawn=True)


@pytest.fixture
def boosted(trained_store: Client, outcomes: list[RunResult]) -> Any:
    return trained_store.get_run(outcomes[0].run_id)


@pytest.fixture
def client(trained_store: Client) -> Client:
    return trained_store


def test_the_run_holds_all_that_the_protocol_names(boosted: Any, client: Client) -> None:
    metrics, params, tags = boosted.data.metrics, boosted.data.params, boosted.data.tags
    shared = ("accuracy", "precision_macro", "recall_macro", "f1_macro", "log_loss", "ece", "f1_0", "f1_9")
    assert {f"val_{name}" for name in (*shared, "coverage")} <= metrics.keys()
    assert ("val_selective_error" in metrics) == (metrics["val_coverage"] > 0)
    assert {"fit_seconds", "predict_ms_per_image", "model_mb", "tracking_seconds"} <= metrics.keys()
    for name in ("fit_seconds", "predict_ms_per_image"):  # tables of the MLflow UI show all digits
        assert metrics[name] == float(f"{metrics[name]:.4g}")
    assert not [name for name in metrics if name.startswith("test_")]
    assert {
        "data": "digits",
        "train_size": "200",
        "seed": "0",
        "split_seed": "0",
        "trials": "0",
        "max_error": "0.001",
    }.items() <= params.items()
    assert (params["rounds"], params["max_depth"]) == ("5", "6")
    assert {"role": "model", "algorithm": "xgboost", "dataset": "digits"}.items() <= tags.items()
    assert "mlflow run . -e xgboost" in tags["mlflow.note.content"]
    assert tags["engine"].startswith("xgboost 3.")
    assert len(tags["dataset_digest"]) == len(tags["split_digest"]) == 64


def test_the_learning_curves_are_logged_by_step(boosted: Any, client: Client) -> None:
    curve = client.get_metric_history(boosted.info.run_id, "epoch_val_accuracy")
    assert [point.step for point in curve] == [1, 2, 3, 4, 5]
    times = [point.timestamp for point in curve]
    (final,) = client.get_metric_history(boosted.info.run_id, "val_accuracy")
    assert boosted.info.start_time < times[0] <= times[-1] < final.timestamp  # when the steps were, not the end
    assert times == sorted(times)


def test_the_pictures_and_probabilities_are_artifacts(boosted: Any, client: Client, digits: Dataset) -> None:
    run_id = boosted.info.run_id
    pictures = {Path(found.path).name for found in client.list_artifacts(run_id, "plots")}
    assert pictures == PICTURES | {"learning_curves.png"}
    path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="validation_probabilities.npz")
    kept = np.load(path)
    assert np.array_equal(kept["labels"], digits.validation.labels)
    accuracy = (kept["probabilities"].argmax(axis=1) == kept["labels"]).mean()
    assert accuracy == pytest.approx(boosted.data.metrics["val_accuracy"])


def test_what_learning_can_go_on_from_is_an_artifact(boosted: Any, client: Client) -> None:
    (file,) = client.list_artifacts(boosted.info.run_id, "learned")
    path = mlflow.artifacts.download_artifacts(run_id=boosted.info.run_id, artifact_path="learned/booster.ubj")
    assert file.path == "learned/booster.ubj"
    assert xgboost.Booster(model_file=path).num_features() > 0


def test_the_tuning_slice_is_kept_as_the_model_sees_it(boosted: Any, client: Client) -> None:
    path = mlflow.artifacts.download_artifacts(run_id=boosted.info.run_id, artifact_path="tuning_probabilities.npz")
    learned = load_dataset("digits", 0, 200)
    kept = np.load(path)
    assert np.array_equal(kept["labels"], learned.tuning.labels)
    model = mlflow.pyfunc.load_model(f"models:/{boosted.outputs.model_outputs[0].model_id}")
    asked = model.predict(learned.tuning.images)[PROBABILITY_COLUMNS]
    assert np.allclose(asked, kept["probabilities"], atol=1e-6)


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
