"""Whatever is typed: values of parameters, and whole commands."""

import io
import signal
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_mlflow.algorithms.base import algorithm_names, get_algorithm
from mnist_mlflow.cli import commands as cli
from mnist_mlflow.errors import ParameterError
from mnist_mlflow.jobs import get_job, job_docstrings
from mnist_mlflow.parameters import Parameter, parameters_of, parse
from mnist_mlflow.parameters import typed as as_typed
from mnist_mlflow.protocol import DataOptions, SearchOptions
from tests.fuzz.strategies import anything, typed

KINDS: list[Any] = [
    *(get_algorithm(name).Params for name in algorithm_names()),
    *(get_job(name).Params for name in job_docstrings()),
    *(DataOptions, SearchOptions),
]
PARAMETERS = [(kind, parameter) for kind in KINDS for parameter in parameters_of(kind)]


@given(where=st.sampled_from(PARAMETERS), text=typed)
def test_parameters(where: tuple[Any, Parameter], text: str) -> None:
    kind, parameter = where
    try:
        value = parse(parameter, text)
    except ValueError as error:
        if parameter.accepted not in str(error):
            raise
        return
    assert value == value, "NaN"  # noqa: PLR0124
    assert parse(parameter, str(as_typed(value))) == value
    try:
        assert getattr(kind(**{parameter.name: value}), parameter.name) == value
    except ParameterError as error:
        pytest.fail(str(error))


NAMES = sorted(cli.commands.commands)
OPTIONS = sorted(
    {option.opts[0] for name in NAMES for option in cli.commands.commands[name].get_params(click.Context(cli.commands))}
)


@st.composite
def arguments(draw: st.DrawFn) -> list[str]:
    """A command with options of its own and of others, and with values that may be accepted or not."""
    words = draw(st.lists(typed | st.sampled_from(NAMES), max_size=2)) if draw(st.booleans()) else []
    name = draw(st.sampled_from(NAMES))
    own = [option.opts[0] for option in cli.commands.commands[name].get_params(click.Context(cli.commands))]
    options = st.sampled_from(own) | st.sampled_from(OPTIONS) | anything
    for option in draw(st.lists(options, max_size=3)):
        words += [f"{option}={draw(typed)}"] if draw(st.booleans()) else [option, draw(typed)]
    return [name, *words] if draw(st.booleans()) else [*words, name]


@pytest.fixture(scope="module")
def nothing_is_done() -> Iterator[None]:
    """Commands end where their work would begin."""
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    handlers, hook = {number: signal.getsignal(number) for number in numbers}, sys.excepthook

    def end(*arguments: object) -> NoReturn:
        raise SystemExit(0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "unraisablehook", sys.unraisablehook)
        patch.setattr("mnist_mlflow.jobs.train.train", end)
        for name in job_docstrings():
            patch.setattr(get_job(name), "run", end)
        yield
    sys.excepthook = hook
    for number, handler in handlers.items():
        signal.signal(number, handler)


@given(words=arguments())
def test_command_lines(words: list[str], nothing_is_done: None) -> None:
    status: object = 0
    with pytest.MonkeyPatch.context() as patch:
        output, errors = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        patch.setattr(sys, "argv", ["mnist-mlflow", *words])
        patch.setattr(sys, "stdout", output)
        patch.setattr(sys, "stderr", errors)
        try:
            cli.main()
        except SystemExit as end:
            status = end.code
    assert status in (0, 2)
    assert isinstance(errors.buffer, io.BytesIO)
    printed = errors.buffer.getvalue().decode()
    assert "Traceback" not in printed
    assert printed.startswith("Error: ") == (status == 2)
