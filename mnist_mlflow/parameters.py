"""Typed parameters with what they accept: fields of frozen dataclasses, parsed from what somebody typed."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

Field = dataclasses.Field[Any]


def integer(default: int, low: int, high: int, meaning: str) -> Any:
    """A whole number within `low` and `high`."""
    return dataclasses.field(default=default, metadata={"low": low, "high": high, "meaning": meaning})


def real(default: float, low: float, high: float, meaning: str) -> Any:
    """A number within `low` and `high`."""
    return dataclasses.field(default=default, metadata={"low": low, "high": high, "meaning": meaning})


def choice(default: str, choices: tuple[str, ...], meaning: str) -> Any:
    """One of some words."""
    return dataclasses.field(default=default, metadata={"choices": choices, "meaning": meaning})


def text(default: str, pattern: str, form: str, meaning: str) -> Any:
    """Text that a pattern matches; `form` says in words what that is."""
    return dataclasses.field(default=default, metadata={"pattern": pattern, "form": form, "meaning": meaning})


def word(default: str, meaning: str) -> Any:
    """A name of letters, digits, points, dashes and underscores."""
    return text(default, r"[\w.-]{1,100}", "a name of letters, digits, points, dashes and underscores", meaning)


def accepted(field: Field) -> str:
    """What a field accepts, in words."""
    if choices := field.metadata.get("choices"):
        return f"one of {', '.join(choices)}"
    if form := field.metadata.get("form"):
        return str(form)
    kind = "a whole number" if isinstance(field.default, int) else "a number"
    return f"{kind} from {field.metadata['low']} to {field.metadata['high']}"


def parse(field: Field, text: str) -> Any:
    """The value of a field as typed; raises ValueError, saying what is accepted."""
    try:
        kind: type[Any] = type(field.default)
        value = kind(text)
    except ValueError:
        value = math.nan
    if not _fits(field, value):
        example = f" For example: {field.name}={field.default}" if field.default != "" else ""
        raise ValueError(f"{text!r} is not {accepted(field)}.{example}")
    return value


def _fits(field: Field, value: Any) -> bool:
    if choices := field.metadata.get("choices"):
        return value in choices
    if pattern := field.metadata.get("pattern"):
        return re.fullmatch(pattern, value) is not None
    return bool(field.metadata["low"] <= value <= field.metadata["high"])
