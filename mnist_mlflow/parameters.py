"""Typed parameters with what they accept: fields of frozen dataclasses, checked wherever their values come from.

    @parameters
    class Params:
        n_neighbors: int = integer(8, 1, 100, "how many neighbours vote")

`Params(n_neighbors=-5)` raises ParameterError in Python with the words that the command line prints.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, dataclass_transform

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from mnist_mlflow.errors import ParameterError

Kind = TypeVar("Kind")

NAMED_DATA = ("auto", "mnist", "digits")  # data sets that have a name
BASES = ("mnist", "digits")  # those that somebody's own pictures may be added to
DATA_FORM = "auto, mnist, digits, a path, mnist+PATH or digits+PATH"


def integer(default: int, low: int, high: int, meaning: str) -> Any:
    """A whole number within `low` and `high`."""
    return _field(default, f"a whole number from {low} to {high}", meaning, ge=low, le=high)


def real(default: float, low: float, high: float, meaning: str) -> Any:
    """A number within `low` and `high`."""
    return _field(default, f"a number from {low} to {high}", meaning, ge=low, le=high)


def optional_real(low: float, high: float, meaning: str) -> Any:
    """A number within `low` and `high`, or nothing."""
    return _field(None, f"a number from {low} to {high}, or nothing", meaning, ge=low, le=high)


def choice(default: str, choices: tuple[str, ...], meaning: str) -> Any:
    """One of some words."""
    return text(default, "|".join(map(re.escape, choices)), f"one of {', '.join(choices)}", meaning)


def text(default: str, pattern: str, form: str, meaning: str) -> Any:
    """Text that a pattern matches as a whole; `form` says in words what that is."""
    return _field(default, form, meaning, pattern=f"^(?:{pattern})$")


def word(default: str, meaning: str) -> Any:
    """A name of letters, digits, points, dashes and underscores, not of points alone."""
    form = "a name of letters, digits, points, dashes and underscores, not of points alone"
    return text(default, r"\.{0,50}[\w-][\w.-]{0,99}", form, meaning)


def flag(default: bool, meaning: str) -> Any:
    """A yes or no, typed as 1 or 0."""
    return _field(default, "0 or 1", meaning)


def path(default: str, meaning: str) -> Any:
    """The path of a file or folder."""
    return _field(Path(default), "a path", meaning)


def split_address(data: str) -> tuple[str, str]:
    """The data set that has a name, and the path of somebody's own; one of them may be empty."""
    base, plus, path = data.partition("+")
    if data in NAMED_DATA:
        return data, ""
    return (base, path) if plus and base in BASES else ("", data)


def _absolute(data: str) -> str:
    """A data set as it is called in every folder; raises ValueError for one that lacks its path."""
    base, path = split_address(data)
    if "://" in data:  # it may hold a password, which would not be known in a path
        raise ValueError(DATA_FORM)
    if base and not path and data != base:
        raise ValueError(DATA_FORM)
    absolute = os.path.normpath(expanded(Path(path)).absolute()) if path else ""
    return f"{base}+{absolute}" if base and path else base or absolute


def expanded(path: Path) -> Path:
    """The path with a home for its tilde; as it is where no user has that name."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


DataAddress = Annotated[str, AfterValidator(_absolute)]  # the type of a `data_set` field


def data_set(meaning: str) -> Any:
    """A data set by its name or its path, which becomes absolute."""
    return text("auto", r"[^\x00-\x1f\x7f]+", DATA_FORM, meaning)


def several(default: tuple[Any, ...], form: str, meaning: str) -> Any:
    """Values with commas between them; `form` says in words which."""
    return _field(default, form, meaning)


def none_if_empty(value: object) -> object:
    """The value; None for the empty text that nothing is typed as."""
    return None if value == "" else value


OptionalReal = Annotated[float | None, BeforeValidator(none_if_empty)]  # the type of an `optional_real` field


def _field(default: object, form: str, meaning: str, **constraints: Any) -> Any:
    return Field(default, description=meaning, json_schema_extra={"form": form}, **constraints)


def _split(value: object) -> object:
    return [item for part in value.split(",") if (item := part.strip())] if isinstance(value, str) else value


Several = Annotated[tuple[Kind, ...], BeforeValidator(_split)]  # the type of a `several` field


@dataclass_transform(frozen_default=True)
def parameters(kind: type[Kind]) -> type[Kind]:
    """Make a class a frozen dataclass that raises ParameterError for a value that is not accepted."""
    checked: Any = checked_dataclass(frozen=True, config=ConfigDict(extra="forbid"))(kind)
    construct = checked.__init__

    def construct_checked(self: Any, *args: Any, **values: Any) -> None:
        try:
            construct(self, *args, **values)
        except ValidationError as error:
            raise ParameterError(_explain(checked, error)) from None

    checked.__init__ = construct_checked
    return checked  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Parameter:
    """A field of a `parameters` class: its name, type, default, what it means, and what it accepts in words."""

    name: str
    kind: Any
    default: Any
    meaning: str
    accepted: str

    def refusal(self, value: object) -> str:
        """The words for a value that is not accepted: what is, with an example."""
        example = f" For example: {self.name}={typed(self.default)}" if self.default not in ("", (), None) else ""
        return f"{typed(value)!r} is not {self.accepted}.{example}"


def parameters_of(kind: type[Any]) -> list[Parameter]:
    """The parameters of a class, in order."""
    fields: dict[str, Any] = kind.__pydantic_fields__
    return [
        Parameter(name, Annotated[one.annotation, one], one.default, one.description, one.json_schema_extra["form"])
        for name, one in fields.items()
    ]


def names_of(kind: type[Any]) -> list[str]:
    """The names of a class's parameters, in order."""
    return [parameter.name for parameter in parameters_of(kind)]


def pick(kind: type[Kind], values: Mapping[str, Any]) -> Kind:
    """The parameters of a class among values by their names; the others have their defaults."""
    return kind(**{name: values[name] for name in names_of(kind) if name in values})


def parse(parameter: Parameter, typed_text: str) -> Any:
    """The value of a parameter as typed; raises ValueError, saying what is accepted."""
    try:
        return TypeAdapter(parameter.kind).validate_python(typed_text)
    except ValidationError:
        raise ValueError(parameter.refusal(typed_text)) from None


def typed(value: object) -> object:
    """A value as somebody types it: flags as 0 and 1, several with commas between them, nothing as empty text."""
    if isinstance(value, bool):
        return int(value)
    if value is None:
        return ""
    return ",".join(map(str, value)) if isinstance(value, tuple) else value


def not_known(what: str, name: str, accepted: Collection[str]) -> str:
    """The words for a name that is not among those that are accepted, with the one that may be meant."""
    near = difflib.get_close_matches(name, accepted, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"There is no {what} {name!r}{hint}; accepted: {', '.join(accepted)}."


def _explain(kind: type[Any], error: ValidationError) -> str:
    """The first mistake: the parameter, its value, and what is accepted."""
    by_name = {parameter.name: parameter for parameter in parameters_of(kind)}
    mistake = error.errors()[0]
    name = mistake["loc"][0]
    if isinstance(name, int):  # the position of an argument
        name = list(by_name)[name] if name < len(by_name) else str(name)
    if name not in by_name:
        return not_known("parameter", str(name), by_name)
    return f"{name}: {by_name[name].refusal(mistake['input'])}"
