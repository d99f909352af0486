"""The workers of a job: processes of this machine, or a Ray cluster, whose nodes are told what they need."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from mnist_mlflow.data.databases import file_of
from mnist_mlflow.errors import UsageError
from mnist_mlflow.search.cluster import Cluster
from mnist_mlflow.search.machine import Processes
from mnist_mlflow.search.workers import CLOSING, Workers
from mnist_mlflow.tracking.reach import store_variables
from mnist_mlflow.tracking.store import studies_uri


@contextlib.contextmanager
def trial_workers(address: str) -> Iterator[Workers | None]:
    """The cluster at an address, to try on as long as this lasts; None where none was named.

    Raises UserFacingError for a cluster that cannot be used from here, and for studies that its nodes cannot reach.
    """
    with _opened(address, study_variables() if address else {}, CLOSING) as cluster:
        yield cluster


@contextlib.contextmanager
def training_workers(address: str, count: int, *, searches: bool, shares: bool = True) -> Iterator[Workers]:
    """The cluster for trainings in runs of their own, which may search; without one, so many processes here.

    Each has its share of the cores here; without `shares` all use all of them.
    """
    variables = store_variables() | (study_variables() if searches else {}) if address else {}
    with _opened(address, variables) as cluster:
        yield cluster or Processes(count, shares=shares)


def study_variables() -> dict[str, str]:
    """The variable that names the storage of studies; raises UsageError for a file of this machine."""
    address = studies_uri()
    if file := file_of(address):
        raise UsageError(
            f"The machines of a cluster share a study in a database server, and here it is the file {file}. "
            "Type: export OPTUNA_STORAGE=postgresql://USER@HOST/optuna"
        )
    return {"OPTUNA_STORAGE": address}


@contextlib.contextmanager
def _opened(address: str, variables: Mapping[str, str], *patience: float) -> Iterator[Cluster | None]:
    if not address:
        yield None
        return
    cluster = Cluster(address, variables, *patience)
    try:
        yield cluster
    finally:
        cluster.end()
