from datetime import datetime

import pytest

from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UsageError
from mnist_mlflow.protocol import Scope
from mnist_mlflow.selection.scope import as_query, parse_names


@pytest.mark.parametrize(("text", "names"), [("all", ["a", "b", "c"]), ("b", ["b"]), (" c, a ,c,", ["c", "a"])])
def test_names_are_separated_by_commas(text: str, names: list[str]) -> None:
    assert parse_names(text, ["a", "b", "c"]) == names


@pytest.mark.parametrize("text", ["d", "a,d", ",", " ,", ""])
def test_a_name_that_is_not_known_is_answered_with_those_that_are(text: str) -> None:
    with pytest.raises(UsageError, match=r"accepted: .*a, b, c"):
        parse_names(text, ["a", "b", "c"])


def test_what_is_typed_is_asked_of_the_store(digits: Dataset) -> None:
    asked = Scope(algorithms="knn,ensemble", since="2026-01-02T03:04", experiment="mine", where="metrics.a > 1")
    query = as_query(digits, asked)
    assert (query.dataset_digest, query.split_digest) == (digits.digest, digits.split_digest)
    assert query.algorithms == ("knn", "ensemble")
    assert query.since == datetime.fromisoformat("2026-01-02T03:04").timestamp() * 1000
    assert (query.experiment, query.where) == ("mine", "metrics.a > 1")
    assert not as_query(digits, Scope()).is_narrow


@pytest.mark.parametrize("scope", [Scope(since="2026-02-31"), Scope(algorithms="cat")])
def test_what_cannot_be_is_answered_with_what_can(digits: Dataset, scope: Scope) -> None:
    with pytest.raises(UsageError, match=r"For example|accepted"):
        as_query(digits, scope)
