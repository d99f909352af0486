"""Training in a process of its own, as `mlflow run` starts it; with other code or another Python where asked for."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data.databases import file_of, with_file
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.parameters import typed
from mnist_mlflow.processes import this_process
from mnist_mlflow.tracking.candidates import as_candidate
from mnist_mlflow.tracking.runs import Run, close_for

POLL = 0.5  # seconds between looks at the event
ORIGIN = ("mlflow.user", "mlflow.source.name", "mlflow.source.type", "mlflow.source.git.commit")


class LaunchError(UserFacingError):
    """A process did not train its model; the run `run_id` holds the details."""

    def __init__(self, run_id: str, reason: str) -> None:
        super().__init__(reason)
        self.run_id = run_id


@dataclass(frozen=True)
class Program:
    """The Python, folder (None: this one), variables and output of processes, and the event that ends them all.

    The output is a descriptor as `subprocess` knows them; None: that of this process.
    """

    python: str = sys.executable
    folder: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    output: int | None = None
    stop: threading.Event = field(default_factory=threading.Event)


THIS = Program()


def launch(task: Task, tags: Mapping[str, str], parent: Run, program: Program = THIS) -> RunResult:
    """Train in a process and a run of its own, with these tags and the parent's origin; wait for it.

    Raises LaunchError when the process fails. Any other exception while it waits, as Ctrl-C raises it, first ends the
    process. Several threads may launch at the same time: signals do not reach them, the event of the program does.
    """
    return launch_entry_point(task.algorithm, task.settings, tags, parent, program)


def launch_entry_point(
    name: str, settings: Mapping[str, object], tags: Mapping[str, str], parent: Run, program: Program = THIS
) -> RunResult:
    """Run an entry point that trains, as `launch` does, with its settings as they are."""
    run, experiment = _create_run(name, tags, parent)
    options = [f"--{option}={typed(value)}" for option, value in settings.items()]
    try:
        status = _start(program, [name, *options], {"MLFLOW_RUN_ID": run.id, "MLFLOW_EXPERIMENT_ID": experiment})
    finally:
        if run.client.get_run(run.id).info.status == "RUNNING":
            close_for(run, "its process ended without a word")
    stored = run.client.get_run(run.id)
    if status or stored.info.status != "FINISHED":
        raise LaunchError(run.id, stored.data.tags.get("failure", f"Its process ended with status {status}."))
    models = stored.outputs.model_outputs
    if len(models) != 1:
        raise LaunchError(run.id, f"Its run has logged {len(models)} models.")
    return RunResult(run.id, models[0].model_id, as_candidate(stored, models[0].model_id).final_metrics)


def _create_run(name: str, tags: Mapping[str, str], parent: Run) -> tuple[Run, str]:
    """A new run where the parent's go, and its experiment. It is no child run, unless the tags say so."""
    stored = parent.client.get_run(parent.id)
    experiment: str = parent.experiment or stored.info.experiment_id
    origin = {key: stored.data.tags[key] for key in ORIGIN if key in stored.data.tags}
    all_tags = origin | {"mlflow.project.entryPoint": name, "owner": json.dumps(this_process())} | dict(tags)
    created = parent.client.create_run(experiment, tags=all_tags, run_name=name)
    return Run(parent.client, created.info.run_id), experiment


def _studies() -> dict[str, str]:
    """OPTUNA_STORAGE with an absolute path: a child cannot know where its address was typed."""
    address = os.environ.get("OPTUNA_STORAGE", "")
    path = file_of(address)
    return {"OPTUNA_STORAGE": with_file(address, path)} if path else {}


def _start(program: Program, arguments: list[str], environment: Mapping[str, str]) -> int:
    command = [program.python, "-m", "mnist_mlflow", *arguments]
    variables = {**os.environ, **_studies(), **environment, **program.variables}
    process = subprocess.Popen(command, env=variables, cwd=program.folder, stdout=program.output)
    try:
        return _wait(process, program.stop)
    except BaseException:
        process.terminate()  # it closes its run before it ends
        process.wait()
        raise


def _wait(process: subprocess.Popen[bytes], stop: threading.Event) -> int:
    """The exit status of a process; raises KeyboardInterrupt if it has to stop."""
    while not stop.is_set():
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(POLL)
    raise KeyboardInterrupt
