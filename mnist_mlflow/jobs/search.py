"""A search inside a run: a study that proposes hyperparameters, a child run for each trial, and what came of it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.interrupts import one_interrupt
from mnist_mlflow.jobs.trial_runs import TrialRuns
from mnist_mlflow.protocol import NEW_STUDY, SearchResult, changed, command
from mnist_mlflow.search import story
from mnist_mlflow.search.note import note
from mnist_mlflow.search.objectives import goals
from mnist_mlflow.search.plots import draw
from mnist_mlflow.search.storage import Plan, explaining, open_study
from mnist_mlflow.search.study import FrozenTrial, Study, give_up_silent, release, settled
from mnist_mlflow.search.trying import Job
from mnist_mlflow.search.workers import MOST_TRIALS, Data, Gate, try_here, try_in_processes
from mnist_mlflow.tracking.results import dataset_tags
from mnist_mlflow.tracking.runs import Run, close_abandoned
from mnist_mlflow.tracking.store import studies_uri
from mnist_mlflow.types import Progress


@dataclass(frozen=True)
class _Search:
    """A search that is under way in a run."""

    run: Run
    task: Task
    job: Job
    study: Study
    runs: TrialRuns
    progress: Progress
    began: float

    @property
    def wanted(self) -> int | None:
        return self.task.protocol.trials or None


def search_in(run: Run, task: Task, dataset: Dataset, progress: Progress) -> SearchResult:
    """The best hyperparameters that a study finds; raises UserFacingError when every trial has failed.

    Ctrl-C ends the search, not the run. A study that is taken up again first closes what other searches left open.
    """
    search = _begin(run, task, dataset, progress)
    with explaining(search.job.plan.storage):
        give_up_silent(search.study)
        trials = release(search.study, run.id)
        search.runs.close_what_others_left_open(trials)
        close_abandoned(run, "tags.role = 'model'")
        interrupted = False
        try:
            with one_interrupt():
                _run(search, dataset, trials)
        except KeyboardInterrupt:
            interrupted = True
            search.runs.look_again()  # it may have been broken off in the midst of writing
        trials = release(search.study, run.id)
        search.runs.write(trials)
        search.runs.write_killed(trials)
        progress("trials", 1, 1)
        return _conclude(search, trials, interrupted)


def _begin(run: Run, task: Task, dataset: Dataset, progress: Progress) -> _Search:
    settings = task.search
    name = f"{task.algorithm}-{run.id[:8]}" if settings.study == NEW_STUDY else settings.study
    about = {
        "algorithm": task.algorithm,
        "dataset_digest": dataset.digest,
        "split_digest": dataset.split_digest,
        "split_seed": task.protocol.split_seed,
        "train_size": task.protocol.train_size,
        "objective": settings.objective,
        "given": dict(task.given),
    }
    plan = Plan(studies_uri(), name, settings.objective, task.protocol.seed, about)
    began = time.time()
    deadline = began + settings.timeout if settings.timeout else math.inf
    job = Job(task.algorithm, dict(task.given), task.protocol.seed, plan, run.id, deadline)
    study = open_study(plan)
    run.set_tags({"study": name})
    tags = {**dataset_tags(dataset), "algorithm": task.algorithm, "study": name}
    return _Search(run, task, job, study, TrialRuns(run, job, tags), progress, began)


def _run(search: _Search, dataset: Dataset, trials: Sequence[FrozenTrial]) -> None:
    gate = Gate(search.study, search.job, search.wanted)

    def ended(trials: Sequence[FrozenTrial]) -> None:
        with search.run.tracking():
            search.runs.write(trials)
        _show(search, trials)

    _show(search, trials)
    workers, protocol = search.task.search.workers, search.task.protocol
    if workers == 1 and search.wanted and search.wanted <= MOST_TRIALS:
        try_here(gate, dataset, ended)
    else:
        try_in_processes(gate, Data(dataset.address, protocol.split_seed, protocol.train_size), workers, ended)


def _show(search: _Search, trials: Sequence[FrozenTrial]) -> None:
    """The progress line: trials done, the best so far, and about how long it will take yet."""
    done, best = settled(trials), story.best_trial(trials, search.study.directions)
    values = zip(goals(search.job.plan.objective), best.values, strict=True) if best else ()
    notes = [f"best {goal} {value:.4f}" for goal, value in values]
    if (left := _seconds_left(search, done)) is not None:
        notes.append(f"{left / 60:.0f} min left" if left > 90 else f"{left:.0f} s left")
    search.progress("trials", len(done), search.wanted or 0, ", ".join(notes))


def _seconds_left(search: _Search, done: Sequence[FrozenTrial]) -> float | None:
    now = time.time()
    estimates = [search.job.deadline - now] if search.task.search.timeout else []
    mine = sum(trial.user_attrs.get("run") == search.run.id for trial in done)
    if search.wanted and mine:
        estimates.append((now - search.began) / mine * max(0, search.wanted - len(done)))
    return max(0.0, min(estimates)) if estimates else None


def _conclude(search: _Search, trials: Sequence[FrozenTrial], interrupted: bool) -> SearchResult:
    """Log the study's story, and say what was found."""
    space, done = search.job.space, settled(trials)
    best, default = story.kept_trial(done, search.study.directions, space), story.default_trial(done, space)
    if (failed := story.reasons(done)) and len(failed) == len(done) and not interrupted:
        raise UserFacingError(f"All {len(failed)} trials failed, the first one so: {failed[0]}")
    unfinished = interrupted or (search.wanted is not None and len(done) < search.wanted)
    resume_command = _to_go_on(search)
    with search.run.tracking():
        _log_story(search, trials)
        ended = "interrupted" if interrupted else _how_it_ended(search) if unfinished else "complete"
        states = [trial.state.name.lower() for trial in done]
        counts = {f"trials_{state}": states.count(state) for state in ("complete", "pruned", "fail")}
        search.run.set_tags({"search_ended": ended, **counts})
        told = note(search.job.plan.name, space, done, default, best, resume_command)
        search.run.describe(f"{told}\n\n{space.algorithm.__doc__}")
    params = space.complete(best.params) if best else space.defaults
    return SearchResult(params, resume_command if unfinished or search.wanted is None else "")


def _how_it_ended(search: _Search) -> str:
    return "out of time" if search.job.is_late() else "the last trials are tried elsewhere"


def _to_go_on(search: _Search) -> str:
    """What to type to go on with the study."""
    task = search.task
    settings = {**changed(task.protocol), **changed(task.search), **task.given, "study": search.job.plan.name}
    return command(task.algorithm, settings)


def _log_story(search: _Search, trials: Sequence[FrozenTrial]) -> None:
    objective = search.job.plan.objective
    with search.run.files() as parent:
        folder = parent / "search"
        folder.mkdir()
        story.table(trials, search.job.space, objective).to_csv(folder / "trials.csv", index=False)
        if len(goals(objective)) > 1:
            front = story.table(search.study.best_trials, search.job.space, objective)
            front.to_csv(folder / "pareto_front.csv", index=False)
        draw(search.study, objective, folder)
