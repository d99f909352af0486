"""Options as the keyword arguments of a function, which leaves the program that calls it as it was.

A name that is no option is refused as the command line refuses it, and `help` lists those that are.
"""

from __future__ import annotations

import functools
import inspect
import os
import textwrap
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np

from mnist_mlflow.algorithms.base import algorithm_names, get_algorithm
from mnist_mlflow.errors import UsageError
from mnist_mlflow.interrupts import same_handlers
from mnist_mlflow.parameters import names_of, not_known, parameters_of, typed
from mnist_mlflow.processes import complete_environment
from mnist_mlflow.search.cores import respect_quota
from mnist_mlflow.tracking.defaults import defaults_for_now

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Address: TypeAlias = str | os.PathLike[str]
WIDTH = 110  # of a line of help


def with_options(*kinds: type[Any]) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Decorate a function whose keyword arguments are the parameters of some classes, which its help then explains.

    Where it takes others too, they are the hyperparameters of the algorithm that its first argument names.
    """

    def decorate(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @functools.wraps(function)
        def call(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
            _check_names(function, arguments, options)
            complete_environment()
            respect_quota()  # of a container, from now on: libraries look when they load
            with same_handlers(), defaults_for_now(), warnings.catch_warnings():
                warnings.filterwarnings("ignore", "IProgress not found")  # which MLflow's bars want, and nobody sees
                return function(*map(_plain, arguments), **{name: _plain(value) for name, value in options.items()})

        call.__doc__ = f"{inspect.getdoc(function)}\n\n{_explanation(function, kinds)}"
        return call

    return decorate


def _check_names(function: Callable[..., Any], arguments: tuple[Any, ...], options: Mapping[str, Any]) -> None:
    """Raise UsageError for a keyword argument that is no option."""
    named = inspect.signature(function).parameters
    accepted = [name for name, one in named.items() if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    algorithm = [*arguments, options.get("algorithm")][0]
    if _takes_hyperparameters(function) and isinstance(algorithm, str):
        accepted += names_of(get_algorithm(algorithm).Params)
    for name in options:
        if name not in accepted:
            raise UsageError(f"{not_known('option', name, accepted)} Help: help(mnist_mlflow.{function.__name__})")


def _takes_hyperparameters(function: Callable[..., Any]) -> bool:
    return any(one.kind is one.VAR_KEYWORD for one in inspect.signature(function).parameters.values())


def _plain(value: Any) -> Any:
    """A value as the parameters take it: paths and several values as text, NumPy's numbers as Python's."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return typed(tuple(value))
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _explanation(function: Callable[..., Any], kinds: tuple[type[Any], ...]) -> str:
    """A line for each option, with what it means and accepts, and for each algorithm its hyperparameters."""
    named = inspect.signature(function).parameters
    lines = [
        f"{parameter.name}: {parameter.meaning}: {parameter.accepted}"
        for kind in kinds
        for parameter in parameters_of(kind)
        if parameter.name in named
    ]
    text = "\n".join(["Options:", *map(_indented, dict.fromkeys(lines))])
    return f"{text}\n\n{_hyperparameters()}" if _takes_hyperparameters(function) else text


def _hyperparameters() -> str:
    """The hyperparameters of every algorithm with their defaults."""
    lines = []
    for name in algorithm_names():
        defaults = (f"{one.name}={typed(one.default)}" for one in parameters_of(get_algorithm(name).Params))
        lines.append(f"{name}: {', '.join(defaults)}")
    return "\n".join(["Hyperparameters, which `mnist-mlflow ALGORITHM --help` explains:", *map(_indented, lines)])


def _indented(line: str) -> str:
    return textwrap.fill(line, WIDTH, initial_indent="    ", subsequent_indent="        ")
