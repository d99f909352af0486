"""Choose a champion among the finished runs, register it, then score the finalists on the test images.

Statistics and budgets decide on the validation images alone; the test images are opened after the decision.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.parameters import parameters, typed
from mnist_mlflow.protocol import Rule, Scope, SelectOptions, SplitOptions, command
from mnist_mlflow.selection.decision import Decision
from mnist_mlflow.selection.evidence import Evidence
from mnist_mlflow.selection.leaderboard import leaderboard
from mnist_mlflow.selection.pool import CandidatePool
from mnist_mlflow.selection.promotion import publish_test_scores, record_decision, register_winner
from mnist_mlflow.selection.rule import apply_rule, decide_alias
from mnist_mlflow.selection.scope import as_query
from mnist_mlflow.selection.test_images import TestScores, score_finalists
from mnist_mlflow.tracking.accounts import check_may_change
from mnist_mlflow.tracking.aliases import CHAMPION, SELECT
from mnist_mlflow.tracking.candidates import Candidates, NotComparable, Query, not_comparable
from mnist_mlflow.tracking.members import Members
from mnist_mlflow.tracking.models import Load, load_model
from mnist_mlflow.tracking.queries import same_experiments
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.results import dataset_tags
from mnist_mlflow.tracking.runs import Run, close_abandoned, open_run
from mnist_mlflow.tracking.snapshot import Snapshot
from mnist_mlflow.tracking.store import registry_lock, store_uri
from mnist_mlflow.tracking.unconsidered import find_unconsidered
from mnist_mlflow.types import Progress

if TYPE_CHECKING:
    import pandas as pd


@parameters
class Params(SelectOptions, Scope, Rule, SplitOptions):
    """Options of `select`."""  # in the order of the bases, the last first


@dataclass(frozen=True)
class Selection:
    """The decision, the leaderboard, and the winner's version (None after a dry run) of the registered model."""

    decision: Decision
    table: pd.DataFrame
    model: str
    champion_uri: str
    store: str
    version: str | None = None
    test_scores: TestScores = field(default_factory=TestScores)
    repaired: bool = False


@dataclass(frozen=True)
class Rollback:
    """The version that is champion again, and the one that it replaces (empty if there was none), of a model."""

    model: str
    restored: str
    taken_back: str


def run(params: Params, progress: Progress) -> Selection | Rollback:
    """Choose the champion, or put the previous one back, in a run of its own.

    Raises UserFacingError when there is nothing to choose from or to go back to.
    """
    if params.rollback and params.dry_run:
        raise UsageError("rollback=1 and dry_run=1 do not go together: a rollback decides nothing. Leave one out.")
    if params.rollback:
        return _roll_back()
    with open_run("select", selection_tags()) as run:
        dataset = load_dataset(params.data, params.split_seed, progress=progress)
        run.log(params={name: typed(value) for name, value in vars(params).items() if name != "rollback"})
        return select_in(run, dataset, params, progress)


def selection_tags() -> dict[str, str]:
    """Tags of a selection's run from its first moment: a killed one can be closed by the next."""
    return {"role": "selection"}


def _roll_back() -> Rollback:
    with open_run("select", selection_tags()) as run, registry_lock():
        registry = Registry(run.client)
        run.log_params({"rollback": 1})
        change = registry.repair()
        if change and change.taken_back:  # a rollback that was killed, and is complete now: there is no second one
            restored, taken_back = change.aliases[CHAMPION] or "", change.taken_back
        else:
            _check_previous(registry)
            with registry.alone():
                restored, taken_back = registry.roll_back()
        run.set_tags({"champion_version": restored} | ({"rolled_back_version": taken_back} if taken_back else {}))
        return Rollback(registry.name, restored, taken_back)


def _check_previous(registry: Registry) -> None:
    """Raise UserFacingError unless the previous champion loads: a rollback is typed when the champion does not do."""
    uri = f"models:/{registry.name}/{registry.previous()}"
    try:
        load_model(uri)
    except UserFacingError as error:
        next_step = f"Nothing was changed. Choose another: {SELECT}"
        raise UserFacingError(f"The previous champion cannot be put back: {error}. {next_step}") from error


def select_in(run: Run, dataset: Dataset, params: Params, progress: Progress) -> Selection:
    """Decide, record the decision, register the winner, then score the finalists on the test images."""
    run.set_tags(dataset_tags(dataset))
    load = functools.cache(load_model)  # each model once, for its latency and the test images
    with registry_lock(), same_experiments(run.client):
        registry = Registry(run.client)
        if not params.dry_run:
            check_may_change(registry)
            close_abandoned(run, "tags.role = 'selection'")
        before, repaired = registry.state(), False
        if not params.dry_run and registry.repair(before):
            before, repaired = registry.state(), True
        decision = _decide(run, Snapshot(run.client, registry.name, before), dataset, params, load, progress)
        record_decision(run, decision)
        addresses = registry.name, registry.uri(CHAMPION), store_uri()
        if params.dry_run:
            return Selection(decision, leaderboard(decision.choice, {}), *addresses)
        with registry.alone(since=before):
            version = register_winner(run, registry, decision, dataset)
        scores = score_finalists(run, decision.choice.finalists, dataset, progress, load)
        publish_test_scores(run, registry, version, decision, scores)
    table = leaderboard(decision.choice, scores.metrics)
    return Selection(decision, table, *addresses, version, scores, repaired)


def _decide(run: Run, registry: Registry, dataset: Dataset, params: Params, load: Load, progress: Progress) -> Decision:
    query, champion = as_query(dataset, params), registry.champion()
    evidence = Evidence(dataset.validation, progress, load)
    incumbent = champion.run_id if champion else ""
    candidates = Candidates(run.client, query)
    members = Members(candidates, incumbent)
    pool = CandidatePool(candidates, evidence, params, registry.taken_back(), members)
    others = not_comparable(run.client, query)
    if not pool.entries:
        raise UserFacingError(_nothing(dataset.name, params.split_seed, query, others))
    choice = apply_rule(pool, incumbent)
    verdict = decide_alias(registry, choice, evidence)
    newest = choice.winner.candidate if verdict.alias == CHAMPION else champion
    reasons = dict.fromkeys(pool.skipped, "")
    reasons |= {run_id: entry.excluded for entry in choice.entries for run_id in entry.run_ids}
    unconsidered = find_unconsidered(run.client, newest, query, reasons, choice.floor) if newest else ()
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return Decision(choice, verdict, query, now, others, list(unconsidered))


def _nothing(data: str, split_seed: int, query: Query, others: Sequence[NotComparable]) -> str:
    """The error when the store holds no candidate, with the command that helps."""
    split: dict[str, object] = {"data": data, "split_seed": split_seed}
    text = f"There is no finished run on {data} with split_seed={split_seed} in {store_uri()}"
    if query.is_narrow:
        return f"{text} that the filters let through. Type: {command('select', split)}"
    listed = "".join(f"\nNot comparable: {other.text}" for other in others)
    return f"{text}. Train one first, for example: {command('knn', split)}{listed}"
