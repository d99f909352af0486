"""The Ray cluster that a job was told to use, with all that its nodes need to know."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from mnist_mlflow.data.databases import file_of
from mnist_mlflow.errors import UsageError
from mnist_mlflow.search.cluster import Cluster
from mnist_mlflow.tracking.store import studies_uri
from mnist_mlflow.tracking.reach import store_variables


@contextlib.contextmanager
def cluster_of_trials(address: str, patience: float) -> Iterator[Cluster | None]:
    """The cluster at an address, for the trials of a search, as long as this lasts; None where none was named.

    Raises UserFacingError for one that cannot be used from here, and where its nodes could not reach the studies.
    """
    with _opened(address, study_variables() if address else {}, patience) as cluster:
        yield cluster


@contextlib.contextmanager
def cluster_of_trainings(address: str, *, searches: bool) -> Iterator[Cluster | None]:
    """The same for trainings in runs of their own, which may search."""
    variables = store_variables() | (study_variables() if searches else {}) if address else {}
    with _opened(address, variables) as cluster:
        yield cluster


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
