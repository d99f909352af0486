"""Checks of the store for `doctor`: its tables, its artifacts, and what it holds that points nowhere."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import mlflow
from filelock import FileLock
from mlflow.entities.model_registry import ModelVersion

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.protocol import REGISTERED_MODEL, Names
from mnist_mlflow.tracking.aliases import DECIDED
from mnist_mlflow.tracking.evaluations import find_evaluated
from mnist_mlflow.tracking.parcels import Parcel, unsent_parcels
from mnist_mlflow.tracking.queries import pages
from mnist_mlflow.tracking.relocation import find_moves, missing_artifacts, missing_folders, rewrite_addresses
from mnist_mlflow.tracking.runs import KILLED, abandoned_runs, close_for
from mnist_mlflow.tracking.store import open_store, store_address, store_file, store_uri
from mnist_mlflow.tracking.versions import SELECTED_BY
from mnist_mlflow.types import Finding

FIX = "Type: python -m mnist_mlflow doctor --fix 1"
MOST_NAMED = 3  # of a kind
OLD_TABLES = "out-of-date database schema"  # MLflow's words for tables of another version


def check_results() -> Finding:
    """No result waits to be uploaded.

    There is nothing to mend here: an upload takes the store that the result is for, and may take minutes.
    """
    waiting = [str(folder) for folder in unsent_parcels() if not _is_being_sent(folder)]
    if not waiting:
        return Finding("none waits to be uploaded")
    return Finding(f"not in their store yet: {_named(waiting)}", "Type: python -m mnist_mlflow recover")


def _is_being_sent(folder: Path) -> bool:
    try:
        return Parcel.read(folder).is_being_sent
    except UserFacingError:  # which `recover` tells
        return False


def check_artifacts() -> Finding:
    """Artifacts lie where the store says."""
    file = store_file()
    if file is None or not file.exists():
        return Finding("nothing to check: their addresses are not in a SQLite file")
    moves = find_moves(file)
    if not moves:
        missing = [missing_artifacts(folder).partition(". ") for folder in missing_folders(file)]
        return Finding(missing[0][0], missing[0][2]) if missing else Finding("where the store says")

    def mend() -> str:
        with FileLock(f"{file}.lock"):
            backup = rewrite_addresses(file, moves)
        return f"the addresses were rewritten; the store as it was before: {backup}"

    return Finding("; ".join(map(str, moves)), FIX, mend)


def check_store() -> Finding:
    """The store answers, and its tables are those of this MLflow."""
    uri = store_uri()
    if not is_there():
        return Finding(f"{uri} is not there yet; the first run makes it")
    try:
        _client()
    except UserFacingError as error:
        if OLD_TABLES not in str(error):
            raise
        remedy = f"Copy it, then type: mlflow db upgrade {shlex.quote(uri)}"
        return Finding(f"the tables of {uri} are of another MLflow", remedy)
    return Finding(uri)


def is_there() -> bool:
    """True unless the store is a file that is not there: checks make none."""
    file = store_file()
    return file is None or file.exists()


def _client() -> mlflow.MlflowClient:
    return open_store(store_address())


def check_runs() -> Finding:
    """Runs that are RUNNING have a process."""
    abandoned = list(abandoned_runs(_client()))
    if not abandoned:
        return Finding("none is RUNNING without its process")

    def mend() -> str:
        for run in abandoned:
            close_for(run, KILLED)
        return f"{_named(run.id for run in abandoned)} closed as FAILED"

    return Finding(f"RUNNING, though their process is gone: {_named(run.id for run in abandoned)}", FIX, mend)


def check_aliases() -> Finding:
    """Aliases point to versions that exist."""
    client = _client()
    ours = _our_versions(client)
    dangling = [
        (str(model.name), str(alias))
        for page in pages(lambda token: client.search_registered_models(page_token=token))
        for model in page  # not by their names, which may hold quotes
        for alias, version in model.aliases.items()
        if model.name in ours or DECIDED in model.tags  # whose last version may be gone
        if str(version) not in {str(other.version) for other in ours.get(model.name, [])}
    ]
    if not dangling:
        return Finding("all point to a version")

    def mend() -> str:
        for name, alias in dangling:
            client.delete_registered_model_alias(name, alias)
        return f"{_named(map('@'.join, dangling))} removed"

    return Finding(f"without their version: {_named(map('@'.join, dangling))}", FIX, mend)


def check_versions() -> Finding:
    """Versions have a model that can be read."""
    versions = [version for versions in _our_versions(_client()).values() for version in versions]
    names = [f"{version.name}/{version.version}" for version in versions]
    broken = [name for name in names if not _has_model(f"models:/{name}")]
    if not broken:
        return Finding("all have their model" if names else "none yet")
    select = Names(registered_model=broken[0].partition("/")[0]).command("select")
    remedy = f"Restore their artifacts, or delete them in the MLflow UI and type: {select}"
    return Finding(f"without a model that can be read: {_named(broken)}", remedy)


def _our_versions(client: mlflow.MlflowClient) -> dict[str, list[ModelVersion]]:
    """The versions of this project's registered models by their names: a server may hold those of other projects."""
    versions = [one for page in pages(lambda token: client.search_model_versions(page_token=token)) for one in page]
    names = {REGISTERED_MODEL, *(version.name for version in versions if SELECTED_BY in version.tags)}
    return {name: [version for version in versions if version.name == name] for name in sorted(names)}


def _has_model(uri: str) -> bool:
    try:
        find_evaluated(uri)
    except UserFacingError:
        return False
    return True


def _named(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - MOST_NAMED} more" if len(every) > MOST_NAMED else ""
    return ", ".join(islice(every, MOST_NAMED)) + more
