"""Fields of dataclasses as options of the command line: spelled alike, and absent unless given."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import click

from mnist_mlflow.parameters import Field, accepted, parse

Kind = TypeVar("Kind")


class Accepted(click.ParamType[Any]):
    """What a field of a dataclass accepts."""

    def __init__(self, field: Field) -> None:
        self.field, self.name = field, type(field.default).__name__

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value as the field's type."""
        try:
            return parse(self.field, value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), param, ctx)


def options(kind: type[Any], names: tuple[str, ...] = ()) -> list[click.Parameter]:
    """An option for each field of a dataclass (or for some), spelled like the field, absent unless given."""
    return [
        click.Option(
            [f"--{field.name}", field.name],
            type=Accepted(field),
            help=f"{field.metadata['meaning']}: {accepted(field)}  [default: {field.default}]",
        )
        for field in dataclasses.fields(kind)
        if not names or field.name in names
    ]


def given(kind: type[Any], typed: dict[str, Any]) -> dict[str, Any]:
    """What was typed of a dataclass's fields."""
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: value for name, value in typed.items() if name in names and value is not None}


def settings(kind: type[Kind], typed: dict[str, Any]) -> Kind:
    """A dataclass with what was typed of its fields, and the defaults of the others."""
    return kind(**given(kind, typed))


def with_options(kind: type[Any], names: tuple[str, ...] = ()) -> Callable[[click.Command], click.Command]:
    """Give a command an option for each field of a dataclass (or for some)."""

    def add(command: click.Command) -> click.Command:
        command.params += options(kind, names)
        return command

    return add
