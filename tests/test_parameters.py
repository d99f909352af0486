import dataclasses
import pickle
import re
from pathlib import Path

import pytest

from mnist_mlflow.errors import ParameterError
from mnist_mlflow.parameters import (
    OptionalReal,
    Several,
    choice,
    flag,
    integer,
    optional_real,
    parameters,
    parameters_of,
    parse,
    path,
    pick,
    real,
    several,
    typed,
    word,
)
from mnist_mlflow.protocol import SplitOptions


@parameters
class Params:
    count: int = integer(3, 1, 10, "a count")
    rate: float = real(0.1, 1e-6, 1.0, "a rate")
    limit: OptionalReal = optional_real(0.0, 1.0, "a limit")
    kind: str = choice("a", ("a", "b"), "a kind")
    name: str = word("n", "a name")
    dry: bool = flag(False, "a flag")
    out: Path = path("x.html", "a file")
    seeds: Several[int] = several((0,), "whole numbers with commas between them", "seeds")


KNOWN = {parameter.name: parameter for parameter in parameters_of(Params)}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("count", "10", 10),
        ("rate", "1e-3", 0.001),
        ("rate", "1", 1.0),
        ("limit", "", None),
        ("limit", "0", 0.0),
        ("kind", "b", "b"),
        ("dry", "1", True),
        ("dry", "false", False),
        ("out", "a/b.html", Path("a/b.html")),
        ("seeds", "1, 2,3", (1, 2, 3)),
    ],
)
def test_takes_what_is_accepted(name: str, text: str, value: object) -> None:
    parsed = parse(KNOWN[name], text)
    assert (parsed, type(parsed)) == (value, type(value))
    assert getattr(pick(Params, {name: value}), name) == value


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
        ("limit", "2", "a number from 0.0 to 1.0, or nothing"),
        ("limit", "none", "a number from 0.0 to 1.0, or nothing"),
        ("kind", "c", "one of a, b. For example: kind=a"),
        ("kind", "a\n", "one of a, b"),
        ("name", "a/b", "a name of letters"),
        ("dry", "2", "0 or 1. For example: dry=0"),
        ("seeds", "1,x", "whole numbers with commas between them. For example: seeds=0"),
    ],
)
def test_says_what_is_accepted_on_the_command_line_and_in_python(name: str, text: str, accepted: str) -> None:
    refusal = re.escape(f"{text!r} is not {accepted}")
    with pytest.raises(ValueError, match=refusal):
        parse(KNOWN[name], text)
    with pytest.raises(ParameterError, match=f"{name}: .*{re.escape(f'is not {accepted}')}"):
        pick(Params, {name: text})


def test_a_value_that_is_given_by_its_place_is_checked_too() -> None:
    with pytest.raises(ParameterError, match=r"^rate: 7 is not a number from 1e-06 to 1.0"):
        Params(3, 7)


def test_a_name_that_there_is_not_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        ParameterError, match=r"parameter 'counts' \(did you mean 'count'\?\); accepted: count, rate, limit, kind"
    ):
        Params(counts=3)  # type: ignore[call-arg]


def test_a_copy_with_another_value_is_checked() -> None:
    with pytest.raises(ParameterError, match="count: 99"):
        dataclasses.replace(Params(), count=99)


def test_parameters_are_values() -> None:
    params = Params(count=4)
    assert params == Params(4) != Params()
    assert pickle.loads(pickle.dumps(params)) == params
    assert dataclasses.asdict(params)["seeds"] == (0,)
    with pytest.raises(dataclasses.FrozenInstanceError):
        params.count = 5  # type: ignore[misc]


@pytest.mark.parametrize(("value", "text"), [(True, 1), ((1, 2), "1,2"), (0.5, 0.5)])
def test_is_typed_as_it_is_parsed(value: object, text: object) -> None:
    assert typed(value) == text


def test_a_class_picks_its_own_among_values_with_other_names() -> None:
    assert pick(Params, {"count": "4", "other": 1}) == Params(4)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("auto", "auto"),
        ("mnist", "mnist"),
        ("mine", "{here}/mine"),
        ("./mnist", "{here}/mnist"),
        ("..", "{above}"),
        ("/somewhere/else/", "/somewhere/else"),
        ("~/digits", "{home}/digits"),
        ("~nobody-of-that-name/x", "{here}/~nobody-of-that-name/x"),
        ("mnist+mine", "mnist+{here}/mine"),
        ("digits+/elsewhere+more", "digits+/elsewhere+more"),
        ("one+two", "{here}/one+two"),
    ],
)
def test_a_data_set_is_called_alike_in_every_folder(
    text: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/anna")
    options = SplitOptions(text)
    assert options.data == address.format(here=tmp_path, above=tmp_path.parent, home="/home/anna")
    monkeypatch.chdir("/")
    assert SplitOptions(options.data) == options


@pytest.mark.parametrize("text", ["", "mnist+", "two\nlines", "nul\0"])
def test_what_can_be_no_data_set_is_refused(text: str) -> None:
    with pytest.raises(
        ParameterError, match=r"data: .* is not auto, mnist, digits, a path, mnist\+PATH or digits\+PATH"
    ):
        SplitOptions(text)
