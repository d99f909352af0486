"""The scope of a selection: filters as typed, turned into a query to the store."""

from __future__ import annotations

from datetime import datetime

from mnist_mlflow.algorithms.base import algorithm_names
from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UsageError
from mnist_mlflow.parameters import not_known
from mnist_mlflow.protocol import ENSEMBLE, Scope
from mnist_mlflow.tracking.candidates import Query

ALL = "all"


def parse_names(text: str, available: list[str]) -> list[str]:
    """The names in a comma-separated list; `all` stands for all available ones. Raises UsageError for another name."""
    if text == ALL:
        return available
    names = list(dict.fromkeys(stripped for name in text.split(",") if (stripped := name.strip())))
    if not names:
        raise UsageError(f"algorithms={text!r} names none; accepted: {ALL}, or some of {', '.join(available)}.")
    for name in names:
        if name not in available:
            raise UsageError(not_known("algorithm", name, available))
    return names


def as_query(dataset: Dataset, scope: Scope) -> Query:
    """The query for a scope; raises UsageError for an unknown algorithm or an impossible date."""
    names = parse_names(scope.algorithms, [*algorithm_names(), ENSEMBLE]) if scope.algorithms != ALL else []
    since = _milliseconds(scope.since) if scope.since else 0
    return Query(dataset.digest, dataset.split_digest, tuple(names), since, scope.experiment, scope.where)


def _milliseconds(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        raise UsageError(
            f"since={text!r} is no date. For example: since=2026-11-24 or since=2026-11-24T08:30"
        ) from None
