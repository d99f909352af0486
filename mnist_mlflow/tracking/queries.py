"""Questions to the store whose answers may be long."""

from __future__ import annotations

from collections.abc import Iterator

import mlflow
from mlflow.entities import Experiment, Run

from mnist_mlflow.errors import UsageError

RUNS_A_PAGE = 1_000


def count_openings(client: mlflow.MlflowClient, split_digest: str) -> int:
    """How often the test images of a split have been opened, by the runs that say so."""
    opened = f"tags.test_opened_for LIKE '%' and tags.split_digest = '{split_digest}'"
    return sum(1 for _ in search_runs(client, opened))


def newer_runs(client: mlflow.MlflowClient, since: int, most: int) -> list[Run]:
    """The newest of the runs that train a model and ended later, or have not ended, at most so many of each."""
    experiments, newest = experiment_ids(client, ""), ["start_time DESC"]
    found: list[Run] = []
    for which in (f"attributes.status != 'RUNNING' and attributes.end_time > {since}", "attributes.status = 'RUNNING'"):
        found += client.search_runs(experiments, f"tags.role = 'model' and {which}", max_results=most, order_by=newest)
    return found


def search_runs(client: mlflow.MlflowClient, condition: str) -> Iterator[Run]:
    """All runs of all experiments that meet a condition in MLflow's filter language, the oldest first."""
    experiments = experiment_ids(client, "")
    token: str | None = ""
    while token is not None:
        page = client.search_runs(
            experiments, condition, max_results=RUNS_A_PAGE, order_by=["start_time"], page_token=token or None
        )
        yield from page
        token = page.token or None


def experiment_ids(client: mlflow.MlflowClient, name: str) -> list[str]:
    """The experiments of that name, all for none; raises UsageError when there is no such experiment."""
    found = {experiment.name: experiment.experiment_id for experiment in _experiments(client)}
    if not name:
        return list(found.values())
    if name not in found:
        raise UsageError(f"There is no experiment {name!r} in the store; accepted: {', '.join(sorted(found))}.")
    return [found[name]]


def _experiments(client: mlflow.MlflowClient) -> Iterator[Experiment]:
    token: str | None = ""
    while token is not None:
        page = client.search_experiments(page_token=token or None)
        yield from page
        token = page.token or None
