"""Queries to the store whose answers may take many pages."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import mlflow
from mlflow.entities import Experiment, Run

from mnist_mlflow.errors import UsageError
from mnist_mlflow.tracking.experiments import find_deleted, how_to_restore, is_named

RUNS_A_PAGE = 1_000
_known: ContextVar[dict[str, str] | None] = ContextVar("experiments that were read", default=None)
RUN_ID = re.compile(r"[\w-]+")  # as MLflow makes them; a server or a model may name any text as that of a run


def count_openings(client: mlflow.MlflowClient, split_digest: str) -> int:
    """The number of runs that have opened the test images of a split: of all experiments that one may see."""
    opened = f"tags.test_opened_for LIKE '%' and tags.split_digest = '{split_digest}'"
    return sum(1 for _ in search_runs(client, opened))


def newer_runs(client: mlflow.MlflowClient, experiment: str, since: int, most: int) -> list[Run]:
    """The runs of training that ended later, then the running ones: the newest first, at most so many each.

    Those of the experiment of that name, of all for none.
    """
    experiments, newest = experiment_ids(client, experiment), ["start_time DESC"]
    finished = f"tags.role = 'model' and attributes.status != 'RUNNING' and attributes.end_time > {since}"
    running = "tags.role = 'model' and attributes.status = 'RUNNING'"
    return [
        run
        for condition in (finished, running)
        for run in client.search_runs(experiments, condition, max_results=most, order_by=newest)
    ]


def search_runs(client: mlflow.MlflowClient, condition: str, experiment: str = "") -> Iterator[Run]:
    """The runs that meet a condition in MLflow's filter language, the oldest first.

    Those of the experiment of that name, of all for none.
    """
    experiments = experiment_ids(client, experiment)
    order = {"max_results": RUNS_A_PAGE, "order_by": ["start_time"]}
    for page in pages(lambda token: client.search_runs(experiments, condition, page_token=token, **order)):
        yield from page


def experiment_ids(client: mlflow.MlflowClient, name: str) -> list[str]:
    """The experiments of that name, all for none; raises UsageError when there is no such experiment."""
    ids = _known.get() or _experiments(client)
    if not name:
        return list(ids.values())
    if name not in ids:
        deleted = find_deleted(client, name)
        restore = f" It is deleted. {how_to_restore(deleted)}" if deleted else ""
        raise UsageError(f"There is no experiment {name!r} in the store; accepted: {', '.join(sorted(ids))}.{restore}")
    return [ids[name]]


@contextlib.contextmanager
def same_experiments(client: mlflow.MlflowClient) -> Iterator[None]:
    """Read once which experiments there are, for all queries inside."""
    token = _known.set(_experiments(client))
    try:
        yield
    finally:
        _known.reset(token)


def _experiments(client: mlflow.MlflowClient) -> dict[str, str]:
    """The ids of the experiments by their names."""
    return {experiment.name: experiment.experiment_id for experiment in experiments_of(client)}


def experiments_of(client: mlflow.MlflowClient) -> list[Experiment]:
    """The experiments that one may see."""
    return [one for page in pages(lambda token: client.search_experiments(page_token=token)) for one in page]


def place_beside(client: mlflow.MlflowClient, experiment: str) -> str:
    """The experiment for the run of a command that reads one: the same; empty where MLflow was told another.

    Raises UsageError when there is no such experiment.
    """
    if experiment:
        experiment_ids(client, experiment)
    return "" if is_named() else experiment


def pages(search: Callable[[str | None], Any]) -> Iterator[list[Any]]:
    """The pages of a search by MLflow's client, each read when it is needed; `search` takes a page's token."""
    token: str | None = None
    while True:
        page = search(token)
        yield list(page)
        if not (token := page.token):
            return
