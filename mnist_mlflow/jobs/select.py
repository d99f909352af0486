"""Choose a champion among the finished runs, register it, then score the finalists on the test images.

Statistics and budgets decide on the validation images alone; the test images are opened after the decision.

    mlflow run . -e select --env-manager local
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.errors import UsageError
from mnist_mlflow.jobs.applying import Applied, apply_dry_run
from mnist_mlflow.jobs.rollback import Rollback, roll_back
from mnist_mlflow.parameters import parameters, typed
from mnist_mlflow.protocol import Names, SelectOptions, changed, command
from mnist_mlflow.selection.deciding import Question, decide, selection_tags
from mnist_mlflow.selection.decision import Decision
from mnist_mlflow.selection.plan import Plan, as_planned
from mnist_mlflow.selection.promotion import promote, record_decision
from mnist_mlflow.selection.test_images import TestScores
from mnist_mlflow.tracking import views
from mnist_mlflow.tracking.datasets import dataset_tags
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.models import load_model
from mnist_mlflow.tracking.permissions import check_may_change
from mnist_mlflow.tracking.queries import place_beside, same_experiments
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.runs import Run, close_abandoned
from mnist_mlflow.tracking.store import connect, registry_lock, store_uri
from mnist_mlflow.types import Progress

if TYPE_CHECKING:
    import pandas as pd


@parameters
class Params(SelectOptions, Question):
    """Options of `select`."""  # in the order of the bases, the last first


@dataclass(frozen=True)
class Selection:
    """The decision of a run, the leaderboard, and the winner's version, None after a dry run."""

    run_id: str
    decision: Decision = field(repr=False)
    table: pd.DataFrame = field(repr=False)
    names: Names = field(repr=False)
    store: str
    ui: str  # the address of the runs in the MLflow UI
    version: str | None = None
    test_scores: TestScores = field(default_factory=TestScores, repr=False)
    repaired: bool = False

    @property
    def alias(self) -> str:
        """The alias that the winner gets: champion, or challenger where the gate keeps the champion."""
        return self.decision.verdict.alias

    @property
    def model_uri(self) -> str:
        """The URI that MLflow loads the winner from; after a dry run it is no version yet."""
        version = f"models:/{self.names.registered_model}/{self.version}"
        return version if self.version else self.decision.choice.winner.candidate.model_uri

    @property
    def sentences(self) -> Mapping[str, str]:
        """The decision in words, by topic."""
        return self.decision.sentences


def run(params: Params, progress: Progress) -> Selection | Applied | Rollback:
    """Choose the champion, carry out a dry run, or put the previous champion back: in a run of its own.

    Raises UserFacingError when there is nothing to choose from, to carry out or to go back to.
    """
    _check_effect(params)
    if params.rollback:
        return roll_back(params, params.reason)
    if params.apply:
        return apply_dry_run(params.apply, params, params.reason, progress)
    client = connect()
    dataset = load_dataset(params.data, params.split_seed, progress=progress)
    place, name = place_beside(client, params.experiment), "selection, dry run" if params.dry_run else "selection"
    with open_run("select", selection_tags(), place, client, name=name) as run:
        if not params.dry_run:
            check_may_change(Registry(run.client, params))
        run.log_params(
            {name: typed(value) for name, value in vars(params).items() if name not in ("rollback", "apply")}
        )
        return select_in(run, dataset, params, progress)


def _check_effect(params: Params) -> None:
    """Raise UsageError for options that do not go together: a rollback and an application decide nothing."""
    if params.rollback and params.dry_run:
        raise UsageError("rollback=1 and dry_run=1 do not go together: a rollback decides nothing. Leave one out.")
    others = changed(params).keys() - {"apply", "reason", "registered_model", "experiment"}
    if params.apply and others:
        raise UsageError(
            f"apply={params.apply} carries out what was decided. Leave out: {', '.join(sorted(others))}. "
            "To decide again, leave out apply."
        )


def select_in(run: Run, dataset: Dataset, params: Params, progress: Progress) -> Selection:
    """Decide, record the decision, register the winner, then score the finalists on the test images."""
    run.set_tags(dataset_tags(dataset))
    registry = Registry(run.client, params)
    load = functools.cache(load_model)  # each model once, for its latency and the test images
    with registry_lock(registry.name), same_experiments(run.client):
        if not params.dry_run:
            close_abandoned(run, "tags.role = 'selection'")
        repaired = not params.dry_run and bool(registry.repair())
        decision = decide(run, registry, dataset, params, load, progress)
        outcome = decision.outcome(params.reason, command("select", changed(params)))
        if params.dry_run:
            images = dataset.address, params.split_seed
            winner, finalists = outcome.winner.candidate.run_id, as_planned(outcome.finalists)
            plan = Plan(registry.name, *images, outcome.ruling, winner, finalists, decision.grounds)
            record_decision(run, decision, plan)
            return Selection(run.id, decision, outcome.table, params, store_uri(), views.address(run.place))
        record_decision(run, decision, None)
        done = promote(run, registry, outcome, decision.state, dataset, progress, load)
    shown = store_uri(), views.address(run.place)
    return Selection(run.id, decision, done.table, params, *shown, done.version, done.scores, repaired)
