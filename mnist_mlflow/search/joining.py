"""Announcements in a study of the searches that run on it, so that other machines can join them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.storages import RDBStorage

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.errors import UsageError
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.spec import SearchSpec

PREFIX = "search "  # of the attributes, one for each search: the run follows


def announce(queue: TrialQueue, versions: Mapping[str, str]) -> None:
    """Write into the study all that a machine needs to join the search."""
    spec = queue.spec
    search = {
        "command": spec.task.command(),
        "data": spec.data,
        "deadline": None if math.isinf(spec.deadline) else spec.deadline,
        "prune": spec.prune,
        "versions": dict(versions),
        "machine": queue.owner["host"],
        "began": time.time(),
    }
    queue.study.set_user_attr(f"{PREFIX}{spec.run_id}", search)


def read_announcement(storage: RDBStorage, address: str, study: str, run_id: str) -> tuple[SearchSpec, dict[str, Any]]:
    """The specification of the latest search on a study, or of that in a run, and all that was announced.

    Raises UsageError where there is no such study or search.
    """
    attributes = _attributes(storage, study)
    if "about" not in attributes:
        raise UsageError(f"The study {study!r} was begun by another program, which cannot be joined.")
    searches = {key.removeprefix(PREFIX): value for key, value in attributes.items() if key.startswith(PREFIX)}
    run_id = run_id or max(searches, key=lambda run: searches[run]["began"], default="")
    if run_id not in searches:
        raise UsageError(
            f"The study {study!r} knows no search of run {run_id!r}. Leave run out: the latest one is taken."
        )
    search = searches[run_id]
    spec = SearchSpec(
        Task.from_command(search["command"]),
        study=study,
        storage=address,
        run_id=run_id,
        data=search["data"],
        about=attributes["about"],
        deadline=math.inf if search["deadline"] is None else search["deadline"],
        prune=search["prune"],
    )
    return spec, search


def _attributes(storage: RDBStorage, study: str) -> dict[str, Any]:
    names = sorted(optuna.get_all_study_names(storage))
    if study not in names:
        accepted = f"accepted: {', '.join(names)}" if names else "there is none yet"
        raise UsageError(f"There is no study {study!r} in {storage.url}; {accepted}.")
    return dict(storage.get_study_user_attrs(storage.get_study_id_from_name(study)))
