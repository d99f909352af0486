"""Make this machine a pair of hands for a search of somebody: it tries until the study has enough trials.

The study tells what to learn from and how. Nothing is written but its trials, which belong to the run of the search.

    export OPTUNA_STORAGE=postgresql://USER@HOST/optuna
    python -m mnist_mlflow join --study NAME
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mnist_mlflow.algorithms.base import lacking_library, missing_library
from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.jobs.versions import check_images, check_versions
from mnist_mlflow.parameters import integer, parameters, text, word
from mnist_mlflow.processes import is_here
from mnist_mlflow.search.joining import read_announcement
from mnist_mlflow.search.machine import Processes
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.records import TrialRecord, counted_trials
from mnist_mlflow.search.spec import SearchSpec
from mnist_mlflow.search.studies import check_shared, open_existing_storage, user_facing_storage_errors
from mnist_mlflow.search.supervisor import supervise
from mnist_mlflow.search.worker import go_on_afresh, work
from mnist_mlflow.types import Progress


@parameters
class Params:
    """Options of `join`."""

    study: str = word("", "the study to join")
    run: str = text(
        "", r"\w*", "the id of a run", "the run of the search, where a study has several; the latest if none"
    )
    workers: int = integer(1, 1, 256, "processes that try at the same time, each with its share of the cores")


@dataclass(frozen=True)
class Contribution:
    """The numbers of trials of a study that ended here, and that ended anywhere."""

    study: str
    here: int
    anywhere: int
    is_over: bool


def run(params: Params, progress: Progress) -> Contribution:
    """Try until the study has enough trials, the time of its search is up, or Ctrl-C.

    Raises UserFacingError for a study that cannot be joined here, before anything is tried.
    """
    address = os.environ.get("OPTUNA_STORAGE") or _beside_the_store()
    with user_facing_storage_errors(address):
        storage = open_existing_storage(address)
        spec, announced = read_announcement(storage, address, params.study, params.run)
        _check_machine(spec, announced)
        with contextlib.closing(TrialQueue(spec, storage)) as queue:
            hands = Hands(queue, params.workers, progress)
            try:
                hands.work()
            except KeyboardInterrupt:
                queue.requeue_lost_trials()  # at once: others need not wait until this machine is taken for dead
            except SystemExit:
                queue.requeue_lost_trials()
                raise
            return hands.contribution(queue.records())


def _beside_the_store() -> str:
    from mnist_mlflow.tracking.store import studies_uri  # with MLflow, which takes its time to load

    return studies_uri()


def _check_machine(spec: SearchSpec, announced: Mapping[str, Any]) -> None:
    """Refuse what would try something else here, and warn of what may differ a little."""
    if lacking := lacking_library([spec.task.algorithm]):
        raise missing_library(lacking)
    check_shared(spec.storage, announced["machine"])
    check_versions(spec.task.algorithm, announced["versions"])


def _load(spec: SearchSpec, progress: Progress) -> Dataset:
    """The data set of a search; raises UserFacingError where this machine has another one, or none."""
    options = spec.task.protocol
    try:
        dataset = load_dataset(spec.data, options.split_seed, options.train_size, progress)
    except (UserFacingError, OSError) as error:  # of one's own pictures the path may not be there
        raise UserFacingError(
            f"The search learns from {spec.data}, which is not to be had here ({one_line(error)}). "
            "Copy it from the machine of the search, to the same place or into the folder MNIST_MLFLOW_DATA_DIR."
        ) from error
    check_images(dataset, spec.about)
    return dataset


@dataclass
class Hands:
    """The workers of this machine for a search: this process alone, or several."""

    queue: TrialQueue
    workers: int
    progress: Progress

    def __post_init__(self) -> None:
        self.processes = Processes(self.workers)

    def work(self) -> None:
        """Try until the search is over."""
        if self.workers > 1:
            supervise(self.queue, self.processes, self._show)
        elif work(self.queue, _load(self.queue.spec, self.progress), lambda: self._show(self.queue.records())):
            self.progress("trials", 1, 1)  # which takes the line from the terminal
            go_on_afresh()

    def _show(self, records: Sequence[TrialRecord]) -> None:
        so_far = self.contribution(records)
        self.progress("trials", so_far.anywhere, self.queue.spec.n_trials or 0, f"{so_far.here} of them here")

    def contribution(self, records: Sequence[TrialRecord]) -> Contribution:
        """The trials that ended here and anywhere."""
        counted = counted_trials(records)
        pids = self.processes.pids | {os.getpid()}
        here = [one for one in counted if one.owner and is_here(one.owner) and one.owner["pid"] in pids]
        return Contribution(self.queue.spec.study, len(here), len(counted), self.queue.is_over(records))
