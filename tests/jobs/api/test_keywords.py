import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mnist_mlflow
from mnist_mlflow.errors import UsageError
from mnist_mlflow.jobs.api.keywords import with_options
from mnist_mlflow.protocol import DataOptions

MISTAKES: dict[str, tuple[Callable[[], object], str]] = {
    "an option": (lambda: mnist_mlflow.select(prefr="size"), "option 'prefr' (did you mean 'prefer'?)"),  # type: ignore[call-overload]
    "a hyperparameter": (lambda: mnist_mlflow.train("knn", n_neighbor=3), "'n_neighbor' (did you mean 'n_neighbors'?)"),
    "one of another algorithm": (lambda: mnist_mlflow.train("knn", epochs=3), "option 'epochs'; accepted: algorithm, "),
    "an algorithm": (lambda: mnist_mlflow.train("svn"), "algorithm 'svn' (did you mean 'svm'?); accepted: "),
    "a value": (lambda: mnist_mlflow.train("knn", n_neighbors=-3), "n_neighbors: -3 is not a whole number from 1 to"),
    "a value of text": (lambda: mnist_mlflow.select(prefer="beauty"), "prefer: 'beauty' is not one of accuracy"),
    "a model": (lambda: mnist_mlflow.evaluate(nodel="champion"), "'nodel' (did you mean 'model'?)"),  # type: ignore[call-arg]
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_before_the_store_is_opened(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    call, text = MISTAKES[mistake]
    with pytest.raises(UsageError) as error:
        call()
    assert text in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@with_options(DataOptions)
def echo(first: object = "", *, data: object = "") -> tuple[object, object]:
    """Return the arguments as the options get them."""
    return first, data


VALUES: list[tuple[Any, Any]] = [
    (Path("/digits"), "/digits"),
    (np.int64(3), 3),
    (np.arange(3), "0,1,2"),
    (["knn", "svm"], "knn,svm"),
    (range(2), "0,1"),
    ("a b", "a b"),
    (None, None),
]


@pytest.mark.parametrize(("value", "plain"), VALUES, ids=str)
def test_values_of_python_are_taken_as_the_command_line_takes_text(value: Any, plain: Any) -> None:
    assert echo(value, data=value) == (plain, plain)
    assert type(echo(value)[0]) is type(plain)


@pytest.fixture
def variables(signals: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")


@pytest.mark.parametrize("failure", [None, KeyboardInterrupt])
def test_the_callers_program_stays_as_it_was(variables: None, failure: type[BaseException] | None) -> None:
    @with_options()
    def work() -> None:
        """Do as a search does that Ctrl-C ends."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        assert os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] == "true"
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "2"
        warnings.warn("IProgress not found. Please update jupyter", stacklevel=1)  # is an error where it is shown
        if failure:
            raise failure

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with pytest.raises(failure) if failure else pytest.MonkeyPatch.context():
        work()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
    assert "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT" not in os.environ
