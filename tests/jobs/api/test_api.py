"""The functions of the package: the options of the commands, and the examples of their help."""

import doctest
import inspect
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest

import mnist_mlflow
from mnist_mlflow.algorithms.base import algorithm_names
from mnist_mlflow.errors import UsageError
from mnist_mlflow.jobs import compare, evaluate, read, select
from mnist_mlflow.parameters import names_of, parameters_of, typed
from mnist_mlflow.protocol import DataOptions, ModelOptions, ReuseOptions, SearchOptions, SeedsOptions
from tests.pages import page
from tests.simulated import Client

TRAINING = (DataOptions, SeedsOptions, ReuseOptions, SearchOptions)
OPTIONS: dict[str, tuple[type[Any], ...]] = {
    "train": TRAINING,
    "search": TRAINING,
    "select": (select.Params,),
    "load": (ModelOptions,),
    "read": (read.Params,),
    "evaluate": (evaluate.Params,),
    "compare": (compare.Params,),
}
LEFT_OUT = {"train": {"trials", "timeout", "study", "objective"}, "search": {"seeds"}}  # which are the other's


def function(name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(mnist_mlflow, name)
    return found


def defaults(of: Callable[..., Any]) -> dict[str, Any]:
    """The defaults of all parameters but the collecting ones, as somebody types them."""
    named = inspect.signature(of).parameters.values()
    collecting = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {one.name: as_text(one.default) for one in named if one.kind not in collecting}


def as_text(value: object) -> str:
    return str(typed(value))


@pytest.mark.parametrize("name", OPTIONS)
def test_a_function_takes_what_its_command_takes_with_the_same_defaults(name: str) -> None:
    options = {one.name: as_text(one.default) for kind in OPTIONS[name] for one in parameters_of(kind)}
    accepted = defaults(function(name)) | ({"runs": ""} if name == "compare" else {})
    required = {name for name, default in accepted.items() if default == as_text(inspect.Parameter.empty)}
    assert required <= {"algorithm", "pictures"}
    expected = {one: default for one, default in options.items() if one not in LEFT_OUT.get(name, set())}
    assert accepted | dict.fromkeys(required) == expected | dict.fromkeys(required)


@pytest.mark.parametrize("name", ["train", "select"])
def test_each_form_of_a_call_is_one_of_the_function(name: str) -> None:
    implementation = inspect.unwrap(function(name))
    forms = typing.get_overloads(implementation)
    accepted = inspect.signature(implementation).parameters
    assert len(forms) > 1
    assert {one for form in forms for one in inspect.signature(form).parameters} == {*accepted}


@pytest.mark.parametrize("name", OPTIONS)
def test_help_explains_every_option_and_hyperparameter(name: str) -> None:
    text = inspect.getdoc(function(name)) or ""
    assert text.index(">>> import mnist_mlflow") < text.index("\nOptions:\n")
    for option in defaults(function(name)):
        assert f"{option}:" in text or f"`{option}`" in text or option == "algorithm", option
    assert {f"    {algorithm}: " in text for algorithm in algorithm_names()} == {name in ("train", "search")}


def examples() -> list[doctest.DocTest]:
    """The examples of the functions, in an order in which each finds what it needs, then that of the package."""
    texts = {name: inspect.getdoc(function(name)) for name in OPTIONS} | {"mnist_mlflow": mnist_mlflow.__doc__}
    parser = doctest.DocTestParser()
    return [parser.get_doctest(text or "", {}, name, None, None) for name, text in texts.items()]


def test_the_examples_are_true(
    store: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("photo.png", page(["7"], apart=60))
    runner = doctest.DocTestRunner(verbose=False)
    outcomes = [runner.run(example) for example in examples()]
    assert not any(outcome.failed for outcome in outcomes), capsys.readouterr().out
    assert [outcome.attempted for outcome in outcomes] == [3, 3, 3, 3, 3, 3, 3, 4]
    assert {"photo.png", "readings.csv", "compare.html"} <= {path.name for path in tmp_path.iterdir()}


def test_a_search_without_an_end_is_refused() -> None:
    with pytest.raises(UsageError, match="trials=30, or timeout=600"):
        mnist_mlflow.search("knn")


def test_seeds_are_trained_in_runs_of_one_run(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    monkeypatch.setattr("mnist_mlflow.jobs.seeds.train_seeds", lambda task, *arguments: begun.append(task))
    mnist_mlflow.train("svm", seeds=range(3), workers=2, data="digits", C=7)
    (task,) = begun
    assert (task.seeds, task.workers) == ((0, 1, 2), 2)
    assert task.task.hyperparameters == {"C": 7}
    assert names_of(SeedsOptions) == ["seeds"]


def test_what_trained_already_is_not_trained_again(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    monkeypatch.setattr("mnist_mlflow.jobs.reuse.train_if_needed", lambda task, *arguments: begun.append(task))
    mnist_mlflow.train("svm", data="digits", needed=True)
    mnist_mlflow.search("svm", timeout=60, needed=True)
    assert [task.searches for task in begun] == [False, True]
