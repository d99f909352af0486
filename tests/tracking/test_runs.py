import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import mlflow
import numpy as np
import pytest
import xgboost
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from mnist_mlflow.errors import DataError, UsageError, UserFacingError
from mnist_mlflow.processes import this_process
from mnist_mlflow.tracking import provenance, runs
from mnist_mlflow.tracking.lifecycle import fail_inherited_run, open_run, reopen_run
from mnist_mlflow.tracking.runs import close_for

Client: TypeAlias = mlflow.MlflowClient
Command: TypeAlias = Callable[..., tuple[int, str, str]]


def artifact(run_id: str, path: str) -> str:
    return Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=path)).read_text()


def test_a_run_of_our_own_says_where_it_came_from(store: Client) -> None:
    with open_run("knn", {"role": "model"}) as run:
        pass
    found = store.get_run(run.id)
    assert found.info.status == "FINISHED"
    assert found.info.run_name == "knn"
    expected = {"role": "model", "mlflow.project.entryPoint": "knn", "mlflow.source.type": "PROJECT"}
    assert expected.items() <= found.data.tags.items()
    assert found.data.tags["git_dirty"] in ("True", "False")
    assert "numpy==" in artifact(run.id, "environment/requirements.txt")


@pytest.mark.parametrize(("changes", "dirty"), [(b"", "False"), (b"-one\n+two", "True"), (None, "unknown")])
def test_the_diff_is_kept_when_there_is_one(
    store: Client, changes: bytes | None, dirty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "uncommitted_changes", lambda root: changes)
    with open_run("knn", {}) as run:
        pass
    assert store.get_run(run.id).data.tags["git_dirty"] == dirty
    kept = [found.path for found in store.list_artifacts(run.id, "git")]
    assert kept == (["git/uncommitted.diff"] if changes else [])


def test_takes_over_the_run_of_mlflow_run(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    inherited = store.create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", inherited)
    with open_run("knn", {}) as run:
        assert run.id == inherited


def test_a_run_that_is_not_there_cannot_be_taken_over(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    with (
        pytest.raises(UserFacingError, match="MLFLOW_RUN_ID names a run that cannot be taken over"),
        open_run("knn", {}),
    ):
        pass


@pytest.mark.parametrize(
    ("status", "tags"), [("FINISHED", {}), ("FAILED", {}), ("FINISHED", {"role": "model"}), ("RUNNING", {"role": "x"})]
)
def test_a_run_that_another_command_filled_stays_as_it_was(
    store: Client, command: Command, status: str, tags: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = store.create_run("0", tags={"mlflow.runName": "before", **tags}).info.run_id
    store.log_param(run_id, "data", "digits")
    store.update_run(run_id, status)
    before = store.get_run(run_id).to_dictionary()
    for arguments in (["knn", "--n_neighbors=-1"], ["knn", "--data=digits"]):
        monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
        exit_status, _, errors = command(*arguments)
        assert exit_status
        assert store.get_run(run_id).to_dictionary() == before
    assert errors.startswith("Error: MLFLOW_RUN_ID names a run that cannot be taken over")
    assert errors.endswith("Type: unset MLFLOW_RUN_ID\n")
    assert len(errors.splitlines()) == 1
    assert len(store.search_runs(["0"])) == 1


def test_what_mlflow_run_has_logged_is_not_logged_again(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    inherited = store.create_run("0").info.run_id
    store.log_param(inherited, "learning_rate", "1e-3")
    monkeypatch.setenv("MLFLOW_RUN_ID", inherited)
    with open_run("cnn", {}) as run:
        run.log_params({"learning_rate": 0.001, "epochs": 3})
    assert store.get_run(inherited).data.params == {"learning_rate": "1e-3", "epochs": "3"}


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (DataError("the file is truncated.\nDelete it."), "FAILED", "the file is truncated."),
        (ZeroDivisionError("division by zero"), "FAILED", "ZeroDivisionError: division by zero"),
        (KeyboardInterrupt(), "KILLED", "interrupted by Ctrl-C"),
        (SystemExit(143), "KILLED", "interrupted by SIGTERM"),
    ],
)
def test_a_failed_run_is_closed_with_its_reason_and_keeps_what_it_has(
    store: Client, error: BaseException, status: str, reason: str
) -> None:
    def fail() -> None:
        with open_run("knn", {}) as run:
            run.log_params({"n_neighbors": 4})
            raise error

    with pytest.raises(type(error)):
        fail()
    (found,) = store.search_runs(["0"])
    assert (found.info.status, found.data.tags["failure"]) == (status, reason)
    assert found.data.params == {"n_neighbors": "4"}
    assert type(error).__name__ in artifact(found.info.run_id, "failure.txt")
    assert mlflow.active_run() is None


def test_a_run_that_another_process_has_closed_stays_as_it_was_closed(store: Client) -> None:
    def finish_late() -> None:
        with open_run("knn", {}) as run:
            close_for(run, "its machine is gone")
            run.check_open()

    with pytest.raises(UserFacingError, match="FAILED already, by another process"):
        finish_late()
    (found,) = store.search_runs(["0"])
    assert (found.info.status, found.data.tags["failure"]) == ("FAILED", "its machine is gone")
    assert mlflow.active_run() is None


@pytest.mark.parametrize("error", [PermissionError("artifacts: read-only"), MlflowException("the store is gone")])
def test_a_store_that_fails_on_the_way_is_a_line(store: Client, error: Exception) -> None:
    with pytest.raises(UserFacingError, match=f"could not go on: {type(error).__name__}: {error}"), open_run("knn", {}):
        raise error


def test_an_empty_run_id_is_none(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "")
    with open_run("knn", {}) as run:
        pass
    assert store.get_run(run.id).data.tags["mlflow.project.entryPoint"] == "knn"


def test_a_refused_command_closes_the_run_of_mlflow_run(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    inherited = store.create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", inherited)
    fail_inherited_run("epochs=abc is not a whole number")
    found = store.get_run(inherited)
    assert (found.info.status, found.data.tags["failure"]) == ("FAILED", "epochs=abc is not a whole number")


def test_a_command_closes_runs_whose_process_is_gone_and_no_others(store: Client) -> None:
    gone = {**this_process(), "pid": 2**22 + 1}
    owners: dict[str, object] = {
        "gone": gone,
        "living": this_process(),
        "elsewhere": {**gone, "host": "elsewhere"},
        "a tag of the user": "alice",
    }
    ids = {
        name: store.create_run("0", tags={"owner": owner if isinstance(owner, str) else json.dumps(owner)}).info.run_id
        for name, owner in owners.items()
    }
    study = store.create_run("0", tags={"owner": json.dumps(gone), "study": "mine"}).info.run_id
    with open_run("knn", {"study": "mine"}) as run:
        pass
    assert json.loads(store.get_run(run.id).data.tags["owner"]) == this_process()
    closed = store.get_run(ids.pop("gone"))
    assert (closed.info.status, closed.data.tags["failure"]) == ("FAILED", "its process was killed")
    assert {store.get_run(run_id).info.status for run_id in [*ids.values(), study]} == {"RUNNING"}
    with open_run("knn", {}):
        pass
    assert store.get_run(study).info.status == "FAILED"


def test_more_metrics_than_one_request_takes(store: Client) -> None:
    with open_run("knn", {}) as run:
        run.log_metrics([Metric("train_loss", float(step), 0, step) for step in range(runs.METRICS_A_REQUEST + 5)])
    assert store.get_run(run.id).data.metrics["train_loss"] == runs.METRICS_A_REQUEST + 4


def test_counts_the_time_that_tracking_takes(store: Client) -> None:
    with open_run("knn", {}) as run:
        before = run.tracking_seconds
        run.set_tags({"a": "b"})
        tagged = run.tracking_seconds
        with run.files() as folder:
            (folder / "note.txt").write_text("...")
        assert run.tracking_seconds > tagged > before > 0


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt(), "KILLED"), (DataError("no"), "FAILED")])
def test_a_run_that_could_not_be_completed_says_why(store: Client, error: BaseException, status: str) -> None:
    run_id = store.create_run("0").info.run_id
    with pytest.raises(type(error)), reopen_run(store, run_id):
        raise error
    run = store.get_run(run_id)
    assert run.info.status == status
    assert run.data.tags["failure"] == (str(error) or "interrupted by Ctrl-C")
    assert not store.list_artifacts(run_id)


def test_a_run_that_somebody_has_open_is_left_alone(store: Client) -> None:
    with mlflow.start_run() as own:
        with pytest.raises(UsageError, match=rf"run {own.info.run_id} is active.*end_run"), open_run("knn", {}):
            pass
        assert mlflow.active_run().info.run_id == own.info.run_id
    assert [run.info.status for run in store.search_runs(["0"])] == ["FINISHED"]


def test_the_autologging_of_the_caller_puts_nothing_into_a_run(store: Client) -> None:
    mlflow.xgboost.autolog(log_models=False, silent=True)
    try:
        with open_run("xgboost", {}) as run:
            xgboost.train({"max_depth": 2}, xgboost.DMatrix(np.eye(4), label=[0, 1, 0, 1]), num_boost_round=1)
    finally:
        mlflow.xgboost.autolog(disable=True, silent=True)
    assert store.get_run(run.id).data.params == {}
