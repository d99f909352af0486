"""The trials of a study as the store knows them: a child run for each, in the run that tried it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mnist_mlflow.algorithms.base import WHOLE
from mnist_mlflow.processes import is_gone
from mnist_mlflow.search import summary as story
from mnist_mlflow.search.objectives import goals
from mnist_mlflow.search.queue import ENDED, FrozenTrial, failure, outcome, was_killed
from mnist_mlflow.search.runner import Job
from mnist_mlflow.tracking.runs import Run, close_for
from mnist_mlflow.tracking.trials import Trial, Trials, run_exists, running_searches


class TrialRuns:
    """Writes the trials of a search, and those that other searches of its study have left unwritten."""

    def __init__(self, run: Run, job: Job, tags: Mapping[str, str]) -> None:
        self.run, self.job, self.tags = run, job, tags
        self.look_again()

    def look_again(self) -> None:
        """Find out what the store has of the trials of this search."""
        self.own = Trials(self.run, self.tags)

    def write(self, trials: Sequence[FrozenTrial]) -> None:
        """Write what this search has tried."""
        _write(trials, self.own, self.job)

    def write_killed(self, trials: Sequence[FrozenTrial]) -> None:
        """Write the trials of other searches some of whose trials were killed, on another machine perhaps."""
        self._write_for({trial.user_attrs["run"] for trial in trials if was_killed(trial)}, trials)

    def close_what_others_left_open(self, trials: Sequence[FrozenTrial]) -> None:
        """Write the trials of all searches that have ended, however they did, and close those that were killed."""
        running = running_searches(self.run.client, self.job.plan.name)
        gone = {run_id for run_id, owner in running.items() if is_gone(json.loads(owner))}
        self._write_for({trial.user_attrs["run"] for trial in trials} - running.keys() | gone, trials)
        self.write_killed(trials)
        for run_id in gone:
            close_for(Run(self.run.client, run_id), f"its process was killed; run {self.run.id} goes on with the study")

    def _write_for(self, runs: set[str], trials: Sequence[FrozenTrial]) -> None:
        for run_id in runs - {self.run.id}:
            if run_exists(self.run.client, run_id):  # another machine's may be in another store
                _write(trials, Trials(Run(self.run.client, run_id), self.tags), self.job)


def _write(trials: Sequence[FrozenTrial], runs: Trials, job: Job) -> None:
    for trial in trials:
        if trial.state in ENDED and trial.user_attrs["run"] == runs.parent and runs.lacks(trial.number):
            runs.write(_as_trial(trial, job))


def _as_trial(trial: FrozenTrial, job: Job) -> Trial:
    ended, stages = outcome(trial), sorted(trial.intermediate_values.items())
    if stages and trial.state.name == "COMPLETE":  # one that was broken off has the value of its last stage
        stages.append((WHOLE, trial.values[0]))
    return Trial(
        trial.number,
        story.milliseconds(trial.datetime_start),
        story.milliseconds(trial.datetime_complete),
        state=trial.state.name.lower(),
        params=story.params_of(trial, job.space),
        metrics={**ended.get("metrics", {}), "seconds": ended.get("seconds", 0.0)},
        curves={f"stage_{goals(job.plan.objective)[0]}": stages} if stages else {},
        failure=failure(trial),
    )
