"""Training in processes of their own, as `mlflow run` starts them, so many at a time as there are workers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.jobs.versions import starter
from mnist_mlflow.parameters import typed
from mnist_mlflow.processes import this_process
from mnist_mlflow.search.cluster import ClusterLostError
from mnist_mlflow.search.workers import Command, Ending, Shown, Workers
from mnist_mlflow.tracking.candidates import as_candidate
from mnist_mlflow.tracking.runs import Run, close_for

POLL = 0.5  # seconds between looks at the workers
ORIGIN = ("mlflow.user", "mlflow.source.name", "mlflow.source.type", "mlflow.source.git.commit")
NO_BARS = {"TTY_COMPATIBLE": "0"}  # which rich reads: the bars of several processes would overwrite each other
DIED = "its process ended without a word"
AFTER_LOSS = "Runs that have ended are kept. Once it is back type the same with needed=1, which trains the others."


class LaunchError(UserFacingError):
    """A process did not train its model; the run `run_id` holds the details."""

    def __init__(self, run_id: str, reason: str) -> None:
        super().__init__(reason)
        self.run_id = run_id


Outcome = RunResult | LaunchError


@dataclass(frozen=True)
class Training:
    """An entry point that trains, with its settings, the tags of its run, and how its output is shown.

    `key` is its name among those that are started together.
    """

    key: str
    entry_point: str
    settings: Mapping[str, object]
    tags: Mapping[str, str] = field(default_factory=dict)
    shown: Shown = Shown.TERMINAL
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_task(cls, key: str, task: Task, dataset: Dataset, tags: Mapping[str, str], shown: Shown) -> Training:
        """The training of a task on just this data set, which is not looked for again."""
        protocol = dataclasses.replace(task.protocol, data=dataset.address)
        settings = dataclasses.replace(task, protocol=protocol).settings
        fallback = {"dataset_fallback": dataset.fallback} if dataset.fallback else {}
        return cls(key, task.algorithm, settings, {**tags, **fallback}, shown, starter(task.algorithm, dataset))


def launch(training: Training, parent: Run, workers: Workers) -> RunResult:
    """Train in a process and a run of its own, with the parent's origin; raises LaunchError when that fails."""
    outcome = launch_all([training], parent, workers)[training.key]
    if isinstance(outcome, LaunchError):
        raise outcome
    return outcome


def launch_all(
    trainings: Iterable[Training],
    parent: Run,
    workers: Workers,
    after_each: Callable[[int], None] = lambda done: None,
) -> dict[str, Outcome]:
    """The outcomes by key of trainings in processes and runs of their own, with the parent's origin.

    Each is taken from the iterable when a worker is free for it; `after_each` is told how many have ended. An exception
    while it waits, as Ctrl-C raises it, first ends all processes, and each closes its run.
    """
    left, is_last = iter(trainings), False
    running, outcomes = dict[int, tuple[Training, Run]](), dict[str, Outcome]()
    try:
        while running or not is_last:
            while not is_last and len(running) < workers.slots():
                if is_last := (following := next(left, None)) is None:
                    break
                number, run = _start(following, parent, workers)
                running[number] = (following, run)
            for ending in workers.wait(POLL if running or not is_last else 0.0):
                training, run = running.pop(ending.number)
                outcomes[training.key] = _outcome(run, ending)
                after_each(len(outcomes))
        return outcomes
    except ClusterLostError as error:
        raise UserFacingError(f"{error} {AFTER_LOSS}") from error
    finally:
        workers.end()
        for _, run in running.values():
            _closed(run)


def _start(training: Training, parent: Run, workers: Workers) -> tuple[int, Run]:
    """Start a training in a new run where the parent's go. It is no child run, unless the tags say so."""
    stored, name = parent.client.get_run(parent.id), training.entry_point
    experiment = parent.experiment or stored.info.experiment_id
    origin = {key: stored.data.tags[key] for key in ORIGIN if key in stored.data.tags}
    tags = origin | {"mlflow.project.entryPoint": name, "owner": json.dumps(this_process())} | dict(training.tags)
    run = Run(parent.client, parent.client.create_run(experiment, tags=tags, run_name=name).info.run_id)
    options = [f"--{option}={typed(value)}" for option, value in training.settings.items()]
    variables = {"MLFLOW_RUN_ID": run.id, "MLFLOW_EXPERIMENT_ID": experiment, **training.variables}
    bars = {} if training.shown is Shown.TERMINAL else NO_BARS
    try:
        return workers.start(Command((name, *options), variables | bars, training.key, training.shown)), run
    except BaseException:
        _closed(run)
        raise


def _closed(run: Run) -> Any:
    """A run whose process has ended, as the store knows it; closed, unless the process did that."""
    stored = run.client.get_run(run.id)
    if stored.info.status != "RUNNING":
        return stored
    close_for(run, DIED)
    return run.client.get_run(run.id)


def _outcome(run: Run, ending: Ending) -> Outcome:
    """The result of a training whose process has ended, or its failure."""
    stored = _closed(run)
    if ending.status or ending.is_lost or stored.info.status != "FINISHED":
        reason = f"Its process ended with status {ending.status}."
        return LaunchError(run.id, stored.data.tags.get("failure", ending.error or reason))
    models = stored.outputs.model_outputs
    if len(models) != 1:
        return LaunchError(run.id, f"Its run has logged {len(models)} models.")
    candidate = as_candidate(stored, models[0].model_id)
    return RunResult(run.id, candidate.model_id, candidate.final_metrics, candidate.params)
