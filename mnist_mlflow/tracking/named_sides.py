"""Sides of a comparison by the names of runs: one side for runs that differ in nothing but the seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import mlflow
from mlflow.entities import Run

from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.protocol import REGISTERED_MODEL
from mnist_mlflow.tracking.candidates import PARTIAL, REPRODUCES
from mnist_mlflow.tracking.configurations import CONFIGURATION
from mnist_mlflow.tracking.named import FORMS, find_run
from mnist_mlflow.tracking.sides import Side
from mnist_mlflow.tracking.trials import child_runs

FEWEST, MOST = 2, 8
COMPARABLE = ("model", "reproduction")
EXAMPLE = "For example: runs=0f3a1b2c,champion"


def find_sides(
    client: mlflow.MlflowClient, names: Sequence[str], registered_model: str = REGISTERED_MODEL
) -> list[Side]:
    """The sides that names stand for, in their order; aliases are those of the registered model.

    Raises UsageError for a number of sides that cannot be compared and for a run that is named twice. Raises
    UserFacingError for a run that has no finished model.
    """
    if not names:
        raise UsageError(f"runs= names no run. Name two to eight, with commas between them: {FORMS}. {EXAMPLE}")
    named = [_side(client, find_run(client, name, registered_model)) for name in names]
    ids = [run.info.run_id for side in named for run in side.runs]
    if twice := next((run_id for run_id in ids if ids.count(run_id) > 1), ""):
        raise UsageError(f"The run {twice} is named twice. Name each run once.")
    grouped = _grouped(named)
    sides = grouped if len(grouped) >= FEWEST else named
    if not FEWEST <= len(sides) <= MOST:
        count = f"{len(sides)}, where runs that differ in nothing but the seed count as one"
        raise UsageError(f"Two to eight runs can be compared; runs={','.join(names)} names {count}. {EXAMPLE}")
    return sides


def _side(client: mlflow.MlflowClient, run: Run) -> Side:
    """The side that a run stands for: itself, or the runs that it started for seeds or to reproduce one."""
    run_id, tags = run.info.run_id, run.data.tags
    role = tags.get("role", "")
    if role == "seeds" or (role == "reproduction" and "command" not in tags):
        if started := _started(client, run):
            return Side(run_id, started)
        raise UserFacingError(f"No run that the run {run_id} has started has finished. Compare it when one has.")
    _check_role(run_id, role, tags.get("mlflow.parentRunId", ""))
    _check_end(run)
    return Side(run_id, (run,))


def _started(client: mlflow.MlflowClient, run: Run) -> tuple[Run, ...]:
    """The runs that a run has started, as far as they have finished: the first of each seed.

    Of those that a reproduction started, the members of an ensemble are left out.
    """
    reproduced, by_seed = run.data.tags.get(REPRODUCES), dict[str, Run]()
    for child in child_runs(client, run.info.run_id):
        tags = child.data.tags
        is_meant = tags.get("role") in COMPARABLE and tags.get(REPRODUCES) == reproduced
        if is_meant and child.info.status == "FINISHED":
            by_seed.setdefault(child.data.params.get("seed", child.info.run_id), child)
    return tuple(by_seed.values())


def _check_role(run_id: str, role: str, parent: str) -> None:
    if role == "trial":
        raise UserFacingError(
            f"The run {run_id} is a trial and keeps no model. Compare its search instead: the run {parent}"
        )
    if role not in COMPARABLE:
        made_by = f"is a {role}" if role else "was made by another program"
        raise UserFacingError(f"The run {run_id} {made_by}. Only runs that trained a model can be compared.")


def _check_end(run: Run) -> None:
    """Raise UserFacingError for a run that left no model."""
    run_id, tags = run.info.run_id, run.data.tags
    if run.info.status == "RUNNING":
        closing = "python -m mnist_mlflow doctor --fix 1"
        raise UserFacingError(f"The run {run_id} is still running. Wait, or if its process is gone, type: {closing}")
    if run.info.status != "FINISHED" and PARTIAL not in tags:
        again = f" Run it again: {tags['command']}" if "command" in tags else " Run it again."
        reason = tags.get("failure", "no reason given")
        raise UserFacingError(f"The run {run_id} is {run.info.status} and left no model ({reason}).{again}")


def _grouped(sides: Iterable[Side]) -> list[Side]:
    """The sides, one for those of the same configuration whose seeds all differ: no seed counts twice."""
    groups: dict[str, list[Side]] = {}
    for side in sides:
        configuration = side.runs[0].data.tags.get(CONFIGURATION, "")
        groups.setdefault(configuration or side.run_id, []).append(side)
    return [side for group in groups.values() for side in (_joined(group) if _seeds_differ(group) else group)]


def _joined(group: Sequence[Side]) -> list[Side]:
    return [Side(group[0].run_id, tuple(run for side in group for run in side.runs))]


def _seeds_differ(group: Sequence[Side]) -> bool:
    seeds = [run.data.params.get("seed") for side in group for run in side.runs]
    return len(set(seeds)) == len(seeds)
