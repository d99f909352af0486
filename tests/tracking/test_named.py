"""A run by what people type."""

import pytest
from mlflow import MlflowClient as Client

from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.tracking.named import find_run


def test_a_run_is_found_by_each_form_of_its_name(store: Client) -> None:
    run_id = store.create_run("0").info.run_id
    model_id = store.create_logged_model("0", "svm", run_id).model_id
    store.create_registered_model("m")
    store.create_model_version("m", f"models:/{model_id}", run_id)
    store.set_registered_model_alias("m", "champion", "1")
    models = [f"models:/{model_id}", model_id, "models:/m@champion", "models:/m/1"]
    for name in [run_id, run_id[:8], f"runs:/{run_id}", f"runs:/{run_id}/model", *models]:
        assert find_run(store, name).info.run_id == run_id


@pytest.mark.parametrize("name", ["", "abc", "champion", "models:/m@none", "models:/m/7", "m-" + 32 * "0", "%", "ABCD"])
def test_a_name_that_no_run_has_is_told_with_the_accepted_forms(name: str, store: Client) -> None:
    with pytest.raises(UsageError, match="Accepted: champion, challenger, previous, a run's id"):
        find_run(store, name)


def test_an_ambiguous_beginning_lists_the_runs(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [store.create_run("0", run_name=name) for name in ("svm", "knn")]
    monkeypatch.setattr(type(store), "search_runs", lambda *args, **options: runs)
    with pytest.raises(UsageError, match=f"type more of it:\n  {runs[0].info.run_id} svm\n  {runs[1].info.run_id} knn"):
        find_run(store, "abcd")


def test_a_deleted_run_is_told_with_the_command_that_restores_it(store: Client) -> None:
    run_id = store.create_run("0").info.run_id
    store.delete_run(run_id)
    with pytest.raises(UserFacingError, match=f"is deleted. Restore it: mlflow runs restore --run-id {run_id}"):
        find_run(store, run_id)
