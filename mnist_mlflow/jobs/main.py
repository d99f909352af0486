"""Train all algorithms, each in a run of its own, then select the champion.

Several train at the same time where there are cores. Each has as many threads as alone: the models are the same.

    mlflow run . --env-manager local
"""

from __future__ import annotations

import dataclasses
import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mnist_mlflow.algorithms.base import (
    algorithm_names,
    expected_seconds,
    lacking_library,
    longest_first,
    missing_library,
)
from mnist_mlflow.algorithms.task import Task, name_of
from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.jobs.clusters import training_workers
from mnist_mlflow.jobs.launch import LaunchError, Training, launch_all
from mnist_mlflow.jobs.recording import record_skipped
from mnist_mlflow.jobs.select import Params as SelectParams
from mnist_mlflow.jobs.select import Selection, select_in
from mnist_mlflow.parameters import integer, parameters, pick
from mnist_mlflow.processes import count_cores
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

MOST_AT_A_TIME = 4  # where nobody says how many: each takes memory
EACH = 7.0  # seconds of two cores for a run around its learning: start, pictures, record
SHORTEST = 1.0  # seconds for a search when the others have taken all of the time


@parameters
class Params(AlgorithmNames, Names, ReuseOptions, SearchOptions, DataOptions):
    """Options of `main`, which all algorithms share: pydantic lists the last base first."""

    workers: int = integer(
        0,
        0,
        256,
        f"algorithms that train at the same time; 0: one for each core, {MOST_AT_A_TIME} at most, one for latency",
    )

    @property
    def search(self) -> SearchOptions:
        """The options of each search, which has one process."""
        return pick(SearchOptions, vars(self) | {"workers": 1, "cluster": ""})

    @property
    def at_a_time(self) -> int:
        """The number that train at a time here: by default one where searches ask for latency, which others change."""
        return self.workers or (1 if "latency" in self.objective else min(count_cores(), MOST_AT_A_TIME))


@dataclass(frozen=True)
class MainResult:
    """The selection, the runs by algorithm that were not needed again, the algorithms that failed, and a message."""

    selection: Selection
    reused: Mapping[str, str] = field(default_factory=dict)
    failed: Sequence[str] = ()
    message: str = ""


def run(params: Params, progress: Progress) -> MainResult:
    """Train the algorithms, several at a time where there are cores, then select among all comparable runs.

    An algorithm that fails does not stop the others, but fails the run. Raises UserFacingError when all fail.
    """
    tasks = [_task(name, params) for name in longest_first(_algorithms(params.algorithms))]
    searches = any(task.searches for task in tasks)
    dataset = load_dataset(params.data, params.split_seed, params.train_size, progress)
    with (
        training_workers(params.cluster, params.at_a_time, searches=searches, shares=False) as workers,
        open_run("main", selection_tags(), params.experiment, name=name_of("main", changed(params))) as main,
    ):
        check_may_change(Registry(main.client, params))
        record_skipped(main, dataset)
        names, algorithms = pick(Names, vars(params)), ",".join(task.algorithm for task in tasks)
        options = dataclasses.asdict(pick(DataOptions, vars(params)))
        main.log_params(
            {"algorithms": algorithms, **options, **changed(names), **changed(params.search), **_places(params)}
        )
        reused = _find_finished(tasks, FinishedRuns(main.client, dataset, params.experiment)) if params.needed else {}
        missing = [task for task in tasks if task.algorithm not in reused]
        failed = _train(missing, dataset, params, main, workers, progress)
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
    search = params.search
    if search.study != NEW_STUDY:
        search = dataclasses.replace(search, study=f"{search.study}-{algorithm}")
    return Task(algorithm, {}, pick(DataOptions, vars(params)), search)


def _find_finished(tasks: Sequence[Task], runs: FinishedRuns) -> dict[str, str]:
    """The finished runs, by algorithm, that make training again needless."""
    return {task.algorithm: same.run_id for task in tasks if (same := runs.same_as(task))}


def _places(params: Params) -> dict[str, object]:
    """The params that tell where the algorithms train."""
    return {"cluster": params.cluster} if params.cluster else {"workers": params.at_a_time}


def _train(
    tasks: Sequence[Task], dataset: Dataset, params: Params, main: Run, workers: Workers, progress: Progress
) -> list[str]:
    """Train so many at a time as there are workers; returns the names of the algorithms that failed."""
    if tasks and not any(task.searches for task in tasks):
        _logger.info("%s", announcement([task.algorithm for task in tasks], dataset))
    is_one_by_one = not params.cluster and min(params.at_a_time, len(tasks)) <= 1

    def show(done: int) -> None:
        if not is_one_by_one:  # each shows its own progress then
            progress("train the algorithms", done, len(tasks))

    show(0)
    shown = Shown.TERMINAL if is_one_by_one else Shown.LINES
    outcomes = launch_all(_trainings(tasks, dataset, params, main, workers, shown), main, workers, show)
    return [name for name, outcome in outcomes.items() if isinstance(outcome, LaunchError)]


def announcement(names: Sequence[str], dataset: Dataset) -> str:
    """The sentence by which a user knows what is going on, and whether to wait."""
    images, algorithms = len(dataset.train), ", ".join(names)
    minutes = (expected_seconds(names, images) + EACH * len(names)) / 60
    return f"Training {algorithms} on {images:,} images of {dataset.name}: about {math.ceil(minutes)} min on two cores."


def _trainings(
    tasks: Sequence[Task], dataset: Dataset, params: Params, main: Run, workers: Workers, shown: Shown
) -> Iterator[Training]:
    """The trainings, each made when its turn has come: a search gets its share of the time left then."""
    started = time.monotonic()
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
