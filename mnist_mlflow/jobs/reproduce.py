"""Make any recorded run again, and say how near the new model is to the recorded one.

The code, the data, the parameters and, with env=exact, the environment are those of the run.

    mlflow run . -e reproduce --env-manager local -P run=ID
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.evaluation.verdict import judge
from mnist_mlflow.jobs.members import check_voters
from mnist_mlflow.jobs.originals import Original, load_recorded, read_original
from mnist_mlflow.jobs.remake import EXACT, RECORDED, Workshop, make_again
from mnist_mlflow.parameters import choice, flag, parameters, text, typed
from mnist_mlflow.protocol import Names
from mnist_mlflow.reports.reproduction import Reproduction, as_note, files_of, read_trials
from mnist_mlflow.search.machine import Processes
from mnist_mlflow.tracking.aliases import CHAMPION
from mnist_mlflow.tracking.candidates import REPRODUCES
from mnist_mlflow.tracking.environments import thread_arguments
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.named import FORMS
from mnist_mlflow.tracking.origins import lost_kinds
from mnist_mlflow.tracking.provenance import uncommitted_changes
from mnist_mlflow.tracking.reproductions import tag_original
from mnist_mlflow.tracking.results import read_kept
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.tracking.store import Client, connect, project_root
from mnist_mlflow.tracking.worktrees import not_recorded, scratch_folder
from mnist_mlflow.types import Progress

HERE = "here"


@parameters
class Params(Names):
    """Options of `reproduce`."""

    run: str = text(CHAMPION, ".+", FORMS, "the run to make again")
    code: str = choice(RECORDED, (RECORDED, HERE), "the code: that of the run, or as it is here")
    env: str = choice(HERE, (HERE, EXACT), "the environment: this one, or that of the run, built with uv")
    deep: bool = flag(False, "1: make the members of an ensemble again too")


def run(params: Params, progress: Progress) -> Reproduction:
    """Make a run again in a child run, and judge it, in a run of its own.

    Raises UserFacingError where that cannot be, before any run is opened, or where the training fails.
    """
    client = connect()
    original = read_original(client, params.run, params.registered_model)
    members = _deep_members(client, original) if params.deep else []
    if not members:
        check_voters(client, original.weights)
    dataset = load_recorded(original, progress)
    with scratch_folder() as folder:
        workshop = Workshop(folder, params.code, params.env)
        programs = [workshop.program(one) for one in (original, *members)]
        tags = {"role": "reproduction", REPRODUCES: original.origin.run_id}
        with open_run("reproduce", tags, params.experiment, name=f"reproduction of {params.run}") as run:
            run.log_params({name: typed(value) for name, value in vars(params).items()})
            again = [_reproduce(*pair, run) for pair in zip(members, programs[1:], strict=True)]
            for one in again:
                Run(client, one.new.run_id).set_tags(one.tags)
            if again:
                weights = zip((one.new.run_id for one in again), original.weights.values(), strict=True)
                original = replace(original, weights=dict(weights))
            reproduction = _reproduce(original, programs[0], run)
            remarks = tuple(_remarks(original, params, dataset))
            reproduction = replace(reproduction, remarks=remarks, members=tuple(again))
            _record(run, reproduction, dataset)
            return reproduction


def _deep_members(client: Client, original: Original) -> list[Original]:
    """The members of an ensemble, to be made again too; raises UsageError for another model."""
    if not original.is_ensemble:
        raise UsageError(f"deep=1 makes an ensemble's members again; {original.entry_point} has none. Leave it out.")
    return [read_original(client, run_id) for run_id in original.weights]


def _reproduce(original: Original, program: Processes, parent: Run) -> Reproduction:
    """Make a run again and judge it; raises UserFacingError where it is scored on other images."""
    old, new = original.origin, make_again(original, program, parent)
    labels, probabilities, _ = read_kept(str(new.run.info.artifact_uri), "validation")
    if not np.array_equal(labels, original.labels):
        raise UserFacingError(
            f"Run {new.run_id} is scored on other images than {old.run_id}, which cannot be compared: this code, or "
            "these libraries, split the data otherwise. Type: code=recorded, env=exact"
        )
    verdict = judge(labels, original.probabilities, probabilities, original.tolerance)
    trials = read_trials(old, new) if original.searches else []
    return Reproduction(parent.id, old, new, verdict, labels, (original.probabilities, probabilities), trials)


def _remarks(original: Original, params: Params, dataset: Dataset) -> Iterator[str]:
    """Sentences about what is made otherwise than it was recorded, or may be."""
    for kind in lost_kinds([original.origin]):
        yield f"Nothing is recorded of the run's {kind}, which may differ."
    if params.code == HERE and uncommitted_changes(project_root()):
        yield "The code here has changes since its last commit."
    if params.code == RECORDED and (files := not_recorded(original.origin.patch)):
        yield f"New files of the work tree were not recorded, and are missing: {', '.join(files)}."
    if dataset.split_digest != original.origin.tags.get("split_digest"):
        yield "The code and libraries here split the data otherwise than was recorded."
    machine = original.origin.facts["machine"]
    if machine and (arguments := thread_arguments(machine)):
        yield f"The run had other threads. To have the same, type before the command: env {' '.join(arguments)}"
    if original.searches:
        yield from _search_remarks(original.typed)


def _search_remarks(settings: Mapping[str, str]) -> Iterator[str]:
    """Sentences about why trials may differ."""
    if int(settings.get("workers", "1")) > 1:
        yield f"The search had {settings['workers']} workers and has one now: trials may differ."
    if "timeout" in settings:
        yield "The search ended by the clock: the number of its trials may differ."
    if "latency" in settings.get("objective", ""):
        yield "The search was about latency too, which is measured: trials may differ."
    if "study" in settings:
        yield f"The study {settings['study']} may have had trials of other runs; this one begins with none."


def _record(run: Run, reproduction: Reproduction, dataset: Dataset) -> None:
    """Log a reproduction in its run, and tell the run that was made again."""
    with run.files() as folder:
        for name, content in files_of(reproduction, dataset.validation.images).items():
            (folder / name).write_bytes(content)
    run.describe(as_note(reproduction))
    run.set_tags(reproduction.tags)
    tag_original(run.client, reproduction.old.run_id, run.id, reproduction.verdict.word)
