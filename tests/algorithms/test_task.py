from typing import Any

import pytest

from mnist_mlflow.algorithms.base import algorithm_names
from mnist_mlflow.algorithms.task import Task, name_of
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.protocol import DataOptions, SearchOptions, command, parse_command

GIVEN: dict[str, dict[str, Any]] = {
    "cnn": {"recipe": "accurate", "learning_rate": 1e-05, "epochs": 3},
    "forest": {"splitter": "best", "n_estimators": 7},
    "knn": {"n_neighbors": 3, "weights": "uniform"},
    "logistic": {"features": "pixels"},
    "mlp": {"dropout": 0.1},
    "svm": {"C": 3.25},
    "xgboost": {"learning_rate": 0.01, "rounds": 2},
}
SEARCH = SearchOptions(timeout=1.5, workers=2, study="a-night", objective="accuracy,latency")


@pytest.mark.parametrize("algorithm", algorithm_names())
@pytest.mark.parametrize("search", [SearchOptions(), SEARCH], ids=["as given", "searched"])
def test_a_task_and_its_command_are_each_others_inverse(algorithm: str, search: SearchOptions) -> None:
    task = Task(algorithm, GIVEN.get(algorithm, {}), DataOptions("digits", split_seed=2, trials=5), search)
    assert Task.from_command(task.command()) == task
    assert Task.from_run({"command": task.command()}) == task
    plain = Task(algorithm)
    assert plain.command() == f"mlflow run . -e {algorithm} --env-manager local"
    assert Task.from_command(plain.command()) == plain


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "svm"),
        ({"C": 10, "gamma": 0.02, "seed": 2}, "svm C=10 gamma=0.02 seed 2"),
        ({"C": 5, "data": "digits", "seed": 0}, "svm"),
        ({"train_size": 500, "split_seed": 1}, "svm split_seed=1 train_size=500"),
        ({"kernel": "poly", "trials": 20}, "svm kernel=poly search of 20 trials"),
        ({"timeout": 600}, "svm search for 600 s"),
        ({"trials": 30, "timeout": 90.5}, "svm search of 30 trials for 90.5 s"),
    ],
)
def test_a_name_tells_what_differs_from_the_defaults(settings: dict[str, Any], name: str) -> None:
    assert Task.from_settings("svm", settings).name == name


def test_a_name_tells_the_recipe_and_what_differs_from_it() -> None:
    assert Task("cnn", {"recipe": "accurate"}, DataOptions(seed=2)).name == "cnn accurate seed 2"
    assert Task("cnn", {"recipe": "accurate", "epochs": 14, "copies": 0.75}).name == "cnn accurate copies=0.75"
    assert Task("cnn", {"recipe": "fast"}).name == "cnn"


def test_names_of_other_runs_tell_the_same_and_not_where_they_go_or_who_works() -> None:
    named = {"algorithms": "knn,svm", "max_error": 0.01, "seed": 3, "trials": 20}
    left_out = {"data": "digits", "experiment": "mine", "registered_model": "ours", "needed": True, "workers": 4}
    assert name_of("main", named | left_out) == "main algorithms=knn,svm max_error=0.01 seed 3 search of 20 trials"
    assert name_of("main", {}) == "main"


@pytest.mark.parametrize("value", ["a b", "it's", '"', "$HOME `ls`; a & b | c > d", "a=b", "", "ü\n\\", "-P x=1", "*"])
def test_values_are_quoted_for_the_shell_and_read_back(value: str) -> None:
    text = command("select", {"where": value, "split_seed": 3})
    assert parse_command(text) == ("select", {"where": value, "split_seed": "3"})
    assert parse_command(command("main", {"study": value})) == ("main", {"study": value})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ls",
        "mlflow run elsewhere -e knn --env-manager local",
        "mlflow run . -e knn --env-manager local -P",
        "mlflow run . -e knn --env-manager local -P seed",
        "mlflow run . -e knn --env-manager local -P 'seed=1",
        "mlflow run . -e knn --env-manager local --seed=1",
    ],
)
def test_another_command_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not understood; accepted: mlflow run"):
        Task.from_command(text)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("mlflow run . -e knnn --env-manager local", r"no algorithm 'knnn' \(did you mean 'knn'\?\); accepted: .*cnn"),
        ("mlflow run . --env-manager local", "no algorithm 'main'"),
        ("mlflow run . -e knn --env-manager local -P epochs=3", "no parameter 'epochs'; accepted: .*n_neighbors"),
        ("mlflow run . -e knn --env-manager local -P seed=x", "'x' is not a whole number"),
        ("mlflow run . -e knn --env-manager local -P workers=2", "workers says how to search.* add trials=30"),
    ],
)
def test_what_an_algorithm_does_not_accept_is_refused(text: str, mistake: str) -> None:
    with pytest.raises(UsageError, match=mistake):
        Task.from_command(text)


def test_a_run_without_a_command_has_no_task() -> None:
    with pytest.raises(UserFacingError, match="no tag `command`"):
        Task.from_run({"role": "selection"})


def test_what_a_run_has_learned_with_is_trained_again_without_a_search() -> None:
    logged = {"n_neighbors": "4", "seed": "1", "trials": "30", "timeout": "9.0", "study": "mine", "data": "mnist"}
    task = Task("knn", {"n_neighbors": 4}, DataOptions("mnist", seed=1))
    assert Task.from_params("knn", logged) == task


@pytest.mark.parametrize(
    ("algorithm", "hyperparameters", "mistake"),
    [
        ("knn", {"n_neighbors": -5}, "n_neighbors: -5 is not a whole number from 1 to 100"),
        ("knn", {"neighbours": 5}, "There is no parameter 'neighbours'"),
        ("nope", {}, "There is no algorithm 'nope'"),
    ],
)
def test_a_task_that_cannot_be_trained_is_refused(
    algorithm: str, hyperparameters: dict[str, Any], mistake: str
) -> None:
    with pytest.raises(UsageError, match=mistake):
        Task(algorithm, hyperparameters)


def test_text_is_read_as_the_command_line_reads_it() -> None:
    assert Task("knn", {"n_neighbors": "7"}) == Task("knn", {"n_neighbors": 7})
