"""A search inside a run: a study that proposes hyperparameters, a child run for each trial, and a summary."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.interrupts import one_interrupt
from mnist_mlflow.jobs.trial_runs import TrialRuns
from mnist_mlflow.jobs.versions import versions
from mnist_mlflow.protocol import NEW_STUDY
from mnist_mlflow.search.cluster import ClusterLostError
from mnist_mlflow.search.joining import announce
from mnist_mlflow.search.machine import Processes
from mnist_mlflow.search.objectives import goals
from mnist_mlflow.search.plots import draw
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.records import TrialRecord
from mnist_mlflow.search.spec import SearchSpec, subject
from mnist_mlflow.search.studies import user_facing_storage_errors
from mnist_mlflow.search.summary import Summary
from mnist_mlflow.search.supervisor import run_trials
from mnist_mlflow.search.worker import MOST_TRIALS
from mnist_mlflow.search.workers import Workers
from mnist_mlflow.tracking.datasets import dataset_tags
from mnist_mlflow.tracking.runs import Run, close_abandoned
from mnist_mlflow.tracking.store import studies_uri
from mnist_mlflow.types import Progress

_logger = logging.getLogger(__name__)

MINUTES_FROM = 90  # seconds


@dataclass(frozen=True)
class SearchResult:
    """The best hyperparameters of a search, and the command that continues it; empty where it is complete."""

    params: Any
    resume_command: str


def search_in(
    run: Run, task: Task, dataset: Dataset, progress: Progress, cluster: Workers | None = None
) -> SearchResult:
    """The best hyperparameters that a study finds; raises UserFacingError when every trial has failed.

    Without a cluster this machine tries. Ctrl-C, like the loss of the cluster, ends the search, not the run.
    A study that is continued first closes what other searches left open.
    """
    spec = _make_spec(run, task, dataset)
    with user_facing_storage_errors(spec.storage), contextlib.closing(TrialQueue(spec)) as queue:
        run.set_tags({"study": spec.study})
        tags = {**dataset_tags(dataset), "algorithm": task.algorithm, "study": spec.study}
        records, runs = queue.requeue_lost_trials(), TrialRuns(run, spec, tags)
        runs.close_other_searches(records)
        close_abandoned(run, "tags.role = 'model'")
        began = time.time()

        def report(records: Sequence[TrialRecord]) -> None:
            runs.write(records)
            _show(progress, spec, began, records)

        report(records)
        announce(queue, versions(task.algorithm))
        interrupted = _interruption(lambda: run_trials(queue, dataset, cluster or _workers(spec), report))
        if interrupted:
            runs.read_again()  # the interruption may have come while a trial was written
        records = queue.requeue_lost_trials()
        runs.write(records)
        if isinstance(interrupted, SystemExit):  # ends the run too, but leaves no trial half written
            raise interrupted
        runs.write_killed(records)
        progress("trials", 1, 1)
        return _conclude(run, queue, Summary(spec, records), interrupted is not None)


def _interruption(try_trials: Callable[[], None]) -> BaseException | None:
    """The interruption of the trials: Ctrl-C, a signal, or the loss of the cluster; None without one."""
    try:
        with one_interrupt():
            try_trials()
    except (KeyboardInterrupt, SystemExit) as stop:
        return stop
    except ClusterLostError as error:
        _logger.warning("%s The search ends here; its study can be continued.", error)
        return error
    return None


def _make_spec(run: Run, task: Task, dataset: Dataset) -> SearchSpec:
    study = task.search.study
    return SearchSpec(
        task,
        study=f"{task.algorithm}-{run.id[:8]}" if study == NEW_STUDY else study,
        storage=studies_uri(),
        run_id=run.id,
        data=dataset.address,
        about=subject(task, dataset),
        deadline=time.time() + task.search.timeout if task.search.timeout else math.inf,
    )


def _workers(spec: SearchSpec) -> Workers | None:
    """The workers of a search; None where this process alone does: there are no more trials than one may try."""
    count = spec.task.search.workers
    return None if count == 1 and spec.n_trials and spec.n_trials <= MOST_TRIALS else Processes(count)


def _show(progress: Progress, spec: SearchSpec, began: float, records: Sequence[TrialRecord]) -> None:
    """Show on the progress line the trials done, the best so far, and about how long it will still take."""
    summary = Summary(spec, records)
    values = zip(goals(spec.objective), summary.best.values, strict=True) if summary.best else ()
    notes = [f"best {goal} {value:.4f}" for goal, value in values]
    if (left := _seconds_left(summary, began)) is not None:
        notes.append(f"{left / 60:.0f} min left" if left > MINUTES_FROM else f"{left:.0f} s left")
    progress("trials", len(summary.counted_trials), spec.n_trials or 0, ", ".join(notes))


def _seconds_left(summary: Summary, began: float) -> float | None:
    spec, counted_trials, now = summary.spec, summary.counted_trials, time.time()
    estimates = [spec.deadline - now] if math.isfinite(spec.deadline) else []
    own = sum(record.run_id == spec.run_id for record in counted_trials)
    if spec.n_trials and own:
        estimates.append((now - began) / own * max(0, spec.n_trials - len(counted_trials)))
    return max(0.0, min(estimates)) if estimates else None


def _conclude(run: Run, queue: TrialQueue, summary: Summary, interrupted: bool) -> SearchResult:
    """Log the summary, and return the hyperparameters to learn with."""
    spec, counted_trials, winner = queue.spec, summary.counted_trials, summary.winner
    failures = [record.failure for record in counted_trials if record.failure]
    if failures and len(failures) == len(counted_trials) and not interrupted:
        raise UserFacingError(f"All {len(failures)} trials failed, the first one so: {failures[0]}")
    is_unfinished = interrupted or (spec.n_trials is not None and len(counted_trials) < spec.n_trials)
    resumed_task = dataclasses.replace(spec.task, search=dataclasses.replace(spec.task.search, study=spec.study))
    resume_command = resumed_task.command()
    _log_summary(run, queue, summary)
    states = [record.state for record in counted_trials]
    counts = {f"trials_{state}": states.count(state) for state in ("complete", "pruned", "fail")}
    run.set_tags({"search_ended": _ending(spec, interrupted, is_unfinished), **counts})
    run.describe(f"{summary.note(resume_command)}\n\n{spec.space.algorithm.__doc__}")
    _logger.info("%s", summary.sentence)
    params = spec.space.complete(winner.params) if winner else spec.space.defaults
    return SearchResult(params, resume_command if is_unfinished or spec.n_trials is None else "")


def _ending(spec: SearchSpec, interrupted: bool, is_unfinished: bool) -> str:
    if interrupted:
        return "interrupted"
    if not is_unfinished:
        return "complete"
    return "out of time" if spec.is_late() else "the last trials are tried elsewhere"


def _log_summary(run: Run, queue: TrialQueue, summary: Summary) -> None:
    objective = summary.spec.objective
    with run.files() as parent:
        folder = parent / "search"
        folder.mkdir()
        summary.table(summary.records).to_csv(folder / "trials.csv", index=False)
        if len(goals(objective)) > 1:
            summary.table(summary.front).to_csv(folder / "pareto_front.csv", index=False)
        draw(queue.study, objective, folder)
