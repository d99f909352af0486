"""The plan that a dry run leaves in its decision.json: what to carry out later, by whatever account."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from mnist_mlflow.errors import UsageError, UserFacingError, one_line
from mnist_mlflow.protocol import Names
from mnist_mlflow.selection.entry import Entry
from mnist_mlflow.selection.grounds import Grounds
from mnist_mlflow.selection.outcome import Ruling
from mnist_mlflow.tracking.candidates import candidates_of
from mnist_mlflow.tracking.named import find_run
from mnist_mlflow.tracking.results import read_file
from mnist_mlflow.tracking.store import Client

if TYPE_CHECKING:
    import pandas as pd

TO_APPLY = "to_apply"  # the plan's key in decision.json, which a dry run alone has


@dataclass(frozen=True)
class PlannedModel:
    """A finalist: its run, its logged model and its latency."""

    run_id: str
    model_id: str
    ms_per_image: float


@dataclass(frozen=True)
class Plan:
    """The ruling of a dry run on a registered model, its grounds, its finalists, and the run of the winner.

    All of it is plain data. `data` and `split_seed` name the images.
    """

    registered_model: str
    data: str
    split_seed: int
    ruling: Ruling
    winner: str
    finalists: Sequence[PlannedModel]
    grounds: Grounds

    def entries(self, client: Client) -> list[Entry]:
        """The finalists whose run and model are still there, as their runs are now."""
        planned = {one.run_id: one for one in self.finalists}
        return [
            Entry(one, ms_per_image=planned[one.run_id].ms_per_image)
            for one in candidates_of(client, planned, self.grounds.query)
            if one.model_id == planned[one.run_id].model_id
        ]


@dataclass(frozen=True)
class DryRun:
    """A dry run, with the address of its artifacts, its decision as it was logged, and the plan in that."""

    run_id: str
    artifacts: str
    decision: Mapping[str, Any]
    plan: Plan

    def leaderboard(self) -> pd.DataFrame:
        """The leaderboard as it was logged; raises UserFacingError where it cannot be read."""
        import pandas as pd

        content = io.BytesIO(read_file(self.artifacts, "leaderboard.csv"))
        return pd.read_csv(content, dtype=str, keep_default_na=False)


def as_planned(models: Sequence[Entry]) -> list[PlannedModel]:
    """The finalists of an outcome for a plan."""
    return [PlannedModel(one.candidate.run_id, one.candidate.model_id, one.ms_per_image) for one in models]


def find_dry_run(client: Client, name: str, names: Names) -> DryRun:
    """The dry run of that name.

    Raises UsageError for a run that is none, or that decides on another registered model. Raises UserFacingError where
    its decision cannot be read.
    """
    run = find_run(client, name, names.registered_model)
    run_id, artifacts = str(run.info.run_id), str(run.info.artifact_uri)
    none = UsageError(
        f"Run {run_id} is no dry run that ended well. Make one: {names.command('select', {'dry_run': 1})}"
    )
    if run.data.tags.get("role") != "selection" or run.info.status != "FINISHED":
        raise none
    try:
        stored = json.loads(read_file(artifacts, "decision.json"))
        if TO_APPLY not in stored:
            raise none
        plan = TypeAdapter(Plan).validate_python(stored.pop(TO_APPLY))
    except (ValueError, TypeError) as error:
        raise UserFacingError(f"The decision.json of run {run_id} is damaged: {one_line(error)}") from error
    if plan.registered_model != names.registered_model:
        named = replace(names, registered_model=plan.registered_model)
        raise UsageError(
            f"Run {run_id} decides on the champion of {plan.registered_model}, not of {names.registered_model}. "
            f"Type: {named.command('select', {'apply': run_id})}"
        )
    return DryRun(run_id, artifacts, stored, plan)
