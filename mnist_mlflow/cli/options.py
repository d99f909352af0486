"""Options of the command line: one for each parameter, spelled alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mnist_mlflow.parameters import Parameter, parameters_of, parse, typed

NAMES = {type(Path()): "path", type(None): "float"}  # of what an option takes, by the type of its default


class Accepted(click.ParamType[Any]):
    """The values that a parameter accepts."""

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter
        self.name = NAMES.get(type(parameter.default)) or type(parameter.default).__name__

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value as the parameter's type."""
        try:
            return parse(self.parameter, value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), param, ctx)


def options(kind: type[Any]) -> list[click.Parameter]:
    """An option for each parameter of a class; its value is None unless somebody types one."""
    return [
        click.Option(
            [f"--{parameter.name}", parameter.name],
            type=Accepted(parameter),
            help=f"{parameter.meaning}: {parameter.accepted}  [default: {typed(parameter.default)}]",
        )
        for parameter in parameters_of(kind)
    ]
