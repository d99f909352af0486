"""Where runs go, and what the MLflow UI shows of an experiment; tests/browser opens that UI."""

import json
from typing import Any, TypeAlias

import mlflow
import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking._model_registry.client import ModelRegistryClient

from mnist_mlflow.protocol import EXPERIMENT
from mnist_mlflow.tracking import lifecycle, views
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.registry import Registry

Client: TypeAlias = mlflow.MlflowClient
NOTE = "mlflow.note.content"


@pytest.fixture(autouse=True)
def default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs go where they go outside of tests."""
    monkeypatch.setattr(lifecycle, "EXPERIMENT", EXPERIMENT)


def place_of(client: Client, **named: str) -> Any:
    """The experiment of a new run."""
    with open_run("knn", {}, **named) as run:
        return client.get_experiment(client.get_run(run.id).info.experiment_id)


def test_a_run_goes_into_our_experiment_unless_another_is_named(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place_of(store).name == "mnist-digits"
    assert place_of(store, experiment="mine").name == "mine"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "theirs")
    assert place_of(store).name == "theirs"


def test_what_mlflow_run_has_opened_stays_there_and_is_described_too(
    store: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", store.create_run("0").info.run_id)
    place = place_of(store)
    assert place.name == "Default"
    assert place.tags[NOTE] == views.description("0")


def test_an_experiment_gets_what_it_lacks_and_keeps_what_people_wrote(store: Client) -> None:
    store.set_experiment_tag("0", NOTE, "ours")
    store.set_experiment_tag("0", views.TRIALS.tag, "changed")
    views.describe(store, store.get_experiment("0"))
    tags = store.get_experiment("0").tags
    assert (tags[NOTE], tags[views.TRIALS.tag]) == ("ours", "changed")
    assert {view.tag for view in views.VIEWS} <= tags.keys()


def test_who_may_not_change_an_experiment_works_in_it_all_the_same(
    store: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise MlflowException("Permission denied")

    monkeypatch.setattr(mlflow.MlflowClient, "set_experiment_tag", refuse)
    assert place_of(store).tags == {}


def test_paragraphs_flow_and_tables_lists_and_commands_stay() -> None:
    assert views.flowing("one\n**two**\n`three`") == "one **two** `three`"
    assert views.flowing("one\ntwo\n\nthree\n    a command\n\n- four\n- five") == (
        "one two\n\nthree\n    a command\n\n- four\n- five"
    )
    table = "| a |\n| - |\n| b |\n\n# Title\n"
    assert views.flowing(table) == table


@pytest.mark.parametrize("view", views.VIEWS, ids=lambda view: view.key)
def test_the_filter_and_the_order_of_a_view_are_what_mlflow_understands(store: Client, view: views.View) -> None:
    store.search_runs(["0"], view.condition, order_by=[f"{view.order} {'ASC' if view.is_ascending else 'DESC'}"])
    state = json.loads(json.loads(view.as_json(1))["state"])
    assert set(state["selectedColumns"]) < set(state["columnOrder"])
    assert view.path("7") in views.description("7")


def test_the_views_tell_models_trials_and_the_rest_apart(store: Client) -> None:
    for role in ("model", "trial", "selection", "reading"):
        store.create_run("0", tags={"role": role})
    conditions = (views.MODELS.condition, views.TRIALS.condition, views.OTHERS.condition)
    found = [[run.data.tags["role"] for run in store.search_runs(["0"], one)] for one in conditions]
    assert list(map(sorted, found)) == [["model"], ["trial"], ["reading", "selection"]]


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("sqlite:///mlflow.db", "http://127.0.0.1:5000/#/experiments/3/runs?"),
        ("https://ada:secret@host:5001/", "https://host:5001/#/experiments/3/runs?"),
        ("http://ada@example.org:secret@host", "http://host/#/experiments/3/runs?"),
    ],
)
def test_the_address_is_on_the_server_of_the_store(uri: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "store_uri", lambda: uri.replace("secret", "***"))
    assert views.address("3").startswith(address)


def test_a_registered_model_says_what_its_aliases_mean(store: Client) -> None:
    Registry(store).create()
    assert 'load_model("models:/mnist-digits@champion")' in store.get_registered_model("mnist-digits").description


def test_a_registered_model_that_was_made_without_a_description_gets_one(store: Client) -> None:
    store.create_registered_model("mnist-digits")
    with Registry(store).alone():
        pass
    assert store.get_registered_model("mnist-digits").description == views.REGISTERED.format(name="mnist-digits")
    store.update_registered_model("mnist-digits", "ours")
    with Registry(store).alone():
        pass
    assert store.get_registered_model("mnist-digits").description == "ours"


def test_who_may_not_describe_a_registered_model_changes_it_all_the_same(
    store: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise MlflowException("Permission denied")

    store.create_registered_model("mnist-digits")
    monkeypatch.setattr(ModelRegistryClient, "update_registered_model", refuse)
    with Registry(store).alone():
        pass
    assert store.get_registered_model("mnist-digits").description is None


def test_columns_have_room_for_their_names_and_values() -> None:
    widths = json.loads(json.loads(views.MODELS.as_json(1))["state"])["columnWidths"]
    assert widths["metrics.`val_log_loss`"] == widths["metrics.`val_ece`"] > widths["metrics.`val_accuracy`"] > 100
    shown = [widths[column] for column in (views.RUN_NAME, views.CREATED, *views.SCORES, *views.COSTS)]
    assert sum(shown) <= 1_173  # pixels of the table in a window of 1,500, behind the boxes to tick
