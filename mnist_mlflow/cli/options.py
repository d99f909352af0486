"""Parameters as options of the command line: spelled alike, and absent unless given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from mnist_mlflow.parameters import Parameter, parameters_of, parse, typed

Kind = TypeVar("Kind")


class Accepted(click.ParamType[Any]):
    """The values that a parameter accepts."""

    def __init__(self, parameter: Parameter) -> None:
        self.parameter, self.name = parameter, type(parameter.default).__name__

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value as the parameter's type."""
        try:
            return parse(self.parameter, value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), param, ctx)


def options(kind: type[Any]) -> list[click.Parameter]:
    """An option for each parameter of a class, spelled like the parameter, absent unless given."""
    return [
        click.Option(
            [f"--{parameter.name}", parameter.name],
            type=Accepted(parameter),
            help=f"{parameter.meaning}: {parameter.accepted}  [default: {typed(parameter.default)}]",
        )
        for parameter in parameters_of(kind)
    ]


def given(kind: type[Any], values: dict[str, Any]) -> dict[str, Any]:
    """The values that were typed of a class's parameters."""
    names = {parameter.name for parameter in parameters_of(kind)}
    return {name: value for name, value in values.items() if name in names and value is not None}


def settings(kind: type[Kind], values: dict[str, Any]) -> Kind:
    """The parameters as typed, with the defaults of the others."""
    return kind(**given(kind, values))


def with_options(kind: type[Any]) -> Callable[[click.Command], click.Command]:
    """Give a command an option for each parameter of a class."""

    def add(command: click.Command) -> click.Command:
        command.params += options(kind)
        return command

    return add
