"""Train all algorithms, each in a run of its own, then select the champion."""

from __future__ import annotations

import dataclasses
import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mnist_mlflow.algorithms.base import algorithm_names, lacking_library, missing_library
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.jobs.clusters import training_workers
from mnist_mlflow.jobs.launch import LaunchError, Training, launch_all
from mnist_mlflow.jobs.recording import record_skipped
from mnist_mlflow.jobs.select import Params as SelectParams
from mnist_mlflow.jobs.select import Selection, select_in
from mnist_mlflow.parameters import parameters, pick
from mnist_mlflow.protocol import (
    NEW_STUDY,
    AlgorithmNames,
    DataOptions,
    Names,
    ReuseOptions,
    SearchOptions,
    changed,
    command,
)
from mnist_mlflow.search.workers import Shown, Workers
from mnist_mlflow.selection.deciding import selection_tags
from mnist_mlflow.selection.scope import ALL, parse_names
from mnist_mlflow.tracking.finished import FinishedRuns
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.permissions import check_may_change
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.runs import Run, close_for
from mnist_mlflow.types import Progress

_logger = logging.getLogger(__name__)

SHORTEST = 1.0  # seconds for a search when the others have taken all of the time


@parameters
class Params(AlgorithmNames, Names, ReuseOptions, SearchOptions, DataOptions):
    """Options of `main`, which all algorithms share: pydantic lists the last base first."""


@dataclass(frozen=True)
class MainResult:
    """The selection, the runs by algorithm that were not needed again, the algorithms that failed, and a message."""

    selection: Selection
    reused: Mapping[str, str] = field(default_factory=dict)
    failed: Sequence[str] = ()
    message: str = ""


def run(params: Params, progress: Progress) -> MainResult:
    """Train the algorithms, `workers` of them at a time, then select among all comparable runs.

    An algorithm that fails does not stop the others, but fails the run. Raises UserFacingError when all fail.
    """
    tasks = [_task(name, params) for name in _algorithms(params.algorithms)]
    searches = any(task.searches for task in tasks)
    dataset = load_dataset(params.data, params.split_seed, params.train_size, progress)
    with (
        training_workers(params.cluster, params.workers, searches=searches) as workers,
        open_run("main", selection_tags(), params.experiment) as main,
    ):
        check_may_change(Registry(main.client, params))
        record_skipped(main, dataset)
        names, algorithms = pick(Names, vars(params)), ",".join(task.algorithm for task in tasks)
        options = dataclasses.asdict(pick(DataOptions, vars(params)))
        main.log_params(
            {"algorithms": algorithms, **options, **changed(names), **changed(pick(SearchOptions, vars(params)))}
        )
        reused = _find_finished(tasks, FinishedRuns(main.client, dataset, params.experiment)) if params.needed else {}
        failed = _train([task for task in tasks if task.algorithm not in reused], dataset, params, main, workers)
        if len(failed) == len(tasks):
            raise UserFacingError("Every algorithm failed, see the output above.")
        selection = select_in(main, dataset, SelectParams(split_seed=params.split_seed, **vars(names)), progress)
    if not failed:
        return MainResult(selection, reused)
    retry = command("main", changed(dataclasses.replace(params, algorithms=",".join(failed))))
    message = f"These algorithms failed, see the output above: {', '.join(failed)}. Try again: {retry}"
    close_for(main, message)
    return MainResult(selection, reused, failed, message)


def _algorithms(text: str) -> list[str]:
    """The algorithms with these names; of `all` those whose library is there, and a warning about the others.

    Raises MissingLibraryError for one that was named and lacks its library.
    """
    names = parse_names(text, algorithm_names())
    lacking = lacking_library(names)
    if lacking and text != ALL:
        raise missing_library(lacking)
    if lacking:
        _logger.warning("Left out: %s", missing_library(lacking))
    return [name for name in names if name not in lacking]


def _task(algorithm: str, params: Params) -> Task:
    """The task of an algorithm, which searches in one process; a study with a name becomes one for each algorithm."""
    search = dataclasses.replace(pick(SearchOptions, vars(params)), workers=1, cluster="")
    if search.study != NEW_STUDY:
        search = dataclasses.replace(search, study=f"{search.study}-{algorithm}")
    return Task(algorithm, {}, pick(DataOptions, vars(params)), search)


def _find_finished(tasks: Sequence[Task], runs: FinishedRuns) -> dict[str, str]:
    """The finished runs, by algorithm, that make training again needless."""
    return {task.algorithm: same.run_id for task in tasks if (same := runs.same_as(task))}


def _train(tasks: Sequence[Task], dataset: Dataset, params: Params, main: Run, workers: Workers) -> list[str]:
    """Train so many at a time as there are workers; returns the names of the algorithms that failed."""
    trainings = _trainings(tasks, dataset, params, main, workers)
    outcomes = launch_all(trainings, main, workers)
    return [name for name, outcome in outcomes.items() if isinstance(outcome, LaunchError)]


def _trainings(
    tasks: Sequence[Task], dataset: Dataset, params: Params, main: Run, workers: Workers
) -> Iterator[Training]:
    """The trainings, each made when its turn has come: a search gets its share of the time left then."""
    started, shown = time.monotonic(), Shown.LINES if params.cluster or params.workers > 1 else Shown.TERMINAL
    for number, task in enumerate(tasks):
        search = task.search
        if params.timeout:
            left = params.timeout - (time.monotonic() - started)
            rounds = math.ceil((len(tasks) - number) / max(1, workers.slots()))
            search = dataclasses.replace(search, timeout=share_of_time(left, rounds))
        ready = dataclasses.replace(task, search=search)
        yield Training.of_task(task.algorithm, ready, dataset, {"main_run": main.id}, shown)


def share_of_time(seconds: float, rounds: int) -> float:
    """The seconds that a search may take of the seconds that are left for so many rounds of searches."""
    return max(SHORTEST, seconds / rounds)
