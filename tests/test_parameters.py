from dataclasses import dataclass, fields

import pytest

from mnist_mlflow.parameters import choice, integer, parse, real


@dataclass(frozen=True)
class Params:
    count: int = integer(3, 1, 10, "a count")
    rate: float = real(0.1, 1e-6, 1.0, "a rate")
    kind: str = choice("a", ("a", "b"), "a kind")


FIELDS = {field.name: field for field in fields(Params)}


@pytest.mark.parametrize(
    ("name", "text", "value"), [("count", "10", 10), ("rate", "1e-3", 0.001), ("rate", "1", 1.0), ("kind", "b", "b")]
)
def test_takes_what_is_accepted(name: str, text: str, value: object) -> None:
    parsed = parse(FIELDS[name], text)
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "text", "accepted"),
    [
        ("count", "abc", "a whole number from 1 to 10. For example: count=3"),
        ("count", "2.5", "a whole number from 1 to 10"),
        ("count", "0", "a whole number from 1 to 10"),
        ("count", "", "a whole number from 1 to 10"),
        ("rate", "nan", "a number from 1e-06 to 1.0. For example: rate=0.1"),
        ("rate", "inf", "a number from 1e-06 to 1.0"),
        ("rate", "2", "a number from 1e-06 to 1.0"),
        ("kind", "c", "one of a, b. For example: kind=a"),
    ],
)
def test_says_what_is_accepted(name: str, text: str, accepted: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' is not {accepted}"):
        parse(FIELDS[name], text)
