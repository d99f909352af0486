import mlflow
import pytest
from mlflow.entities import LoggedModelOutput, Metric, Param, RunTag

from mnist_mlflow.tracking import candidates
from mnist_mlflow.tracking.candidates import find_candidates

Client = mlflow.MlflowClient


def add_run(client: Client, accuracy: float, log_loss: float = 0.1, experiment: str = "0", **changed: str) -> str:
    """A run as training leaves it, but for what is changed; returns its id."""
    status = changed.pop("status", "FINISHED")
    tags = {"role": "model", "dataset_digest": "d", "split_digest": "s", "algorithm": "knn"} | changed
    run_id: str = client.create_run(experiment).info.run_id
    client.log_batch(
        run_id,
        [
            Metric("val_accuracy", accuracy, 0, 0),
            Metric("val_log_loss", log_loss, 0, 0),
            Metric("test_accuracy", 0.5, 0, 0),
            Metric("train_loss", 0.2, 0, 1),
            Metric("epoch_val_loss", 0.3, 0, 1),
        ],
        [Param("n_neighbors", "4")],
        [RunTag(key, value) for key, value in tags.items()],
    )
    model = client.create_logged_model(experiment, source_run_id=run_id)
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])
    client.set_terminated(run_id, status)
    return run_id


def test_the_best_comes_first_then_the_surer(store: Client) -> None:
    third, first, second = add_run(store, 0.97), add_run(store, 0.98, 0.05), add_run(store, 0.98, 0.06)
    found = find_candidates(store, "d", "s")
    assert [candidate.run_id for candidate in found] == [first, second, third]
    assert found[0].model_uri.startswith("models:/m-")
    assert found[0].params == {"n_neighbors": "4"}


def test_the_last_points_of_learning_curves_are_no_figures_of_the_model(store: Client) -> None:
    add_run(store, 0.97)
    (found,) = find_candidates(store, "d", "s")
    assert found.final_metrics.keys() == {"val_accuracy", "val_log_loss", "test_accuracy"}
    assert found.test_metrics == {"test_accuracy": 0.5}


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "FAILED"},
        {"status": "RUNNING"},
        {"role": "trial"},
        {"dataset_digest": "other"},
        {"split_digest": "other"},
    ],
)
def test_only_comparable_runs_are_candidates(store: Client, changed: dict[str, str]) -> None:
    add_run(store, 0.99, **changed)
    expected = add_run(store, 0.9)
    assert [candidate.run_id for candidate in find_candidates(store, "d", "s")] == [expected]


def test_a_run_without_a_model_is_no_candidate(store: Client) -> None:
    run_id = store.create_run("0").info.run_id
    store.log_batch(run_id, tags=[RunTag("role", "model"), RunTag("dataset_digest", "d"), RunTag("split_digest", "s")])
    store.set_terminated(run_id)
    assert find_candidates(store, "d", "s") == []


def test_candidates_come_from_all_experiments_and_all_pages(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "RUNS_A_PAGE", 2)
    other = store.create_experiment("other")
    expected = {add_run(store, 0.9 + number / 100) for number in range(4)} | {add_run(store, 0.8, experiment=other)}
    assert {candidate.run_id for candidate in find_candidates(store, "d", "s")} == expected
