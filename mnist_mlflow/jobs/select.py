"""Choose a champion among the finished runs, register it, then score the finalists on the test images."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.parameters import parameters, pick
from mnist_mlflow.processes import this_process
from mnist_mlflow.protocol import Rule, Scope, SelectOptions, SplitOptions
from mnist_mlflow.selection.decision import Decision
from mnist_mlflow.selection.gate import pass_gate
from mnist_mlflow.selection.latency import measure
from mnist_mlflow.selection.leaderboard import leaderboard
from mnist_mlflow.selection.pool import Contender, Field, Reader, gather
from mnist_mlflow.selection.promotion import register, tell, write_down
from mnist_mlflow.selection.rule import Choice, choose
from mnist_mlflow.selection.scope import as_query
from mnist_mlflow.selection.test_images import Opened, open_for
from mnist_mlflow.tracking.candidates import Candidate, NotComparable, Query, find_candidates, not_comparable
from mnist_mlflow.tracking.overlooked import Overlooked, find_overlooked
from mnist_mlflow.tracking.registry import CHAMPION, Registry
from mnist_mlflow.tracking.results import dataset_tags
from mnist_mlflow.tracking.runs import Run, close_abandoned, open_run
from mnist_mlflow.tracking.store import registry_lock, store_uri
from mnist_mlflow.types import Progress

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Selection:
    """What was decided, the version that the winner has (none where nothing was to be changed), and the leaderboard."""

    decision: Decision
    version: str | None
    table: pd.DataFrame
    store: str
    opened: Opened = field(default_factory=lambda: Opened({}, [], 0))
    repaired: bool = False


@dataclass(frozen=True)
class Request:
    """What is asked of a selection."""

    split_seed: int = 0
    rule: Rule = field(default_factory=Rule)
    scope: Scope = field(default_factory=Scope)
    dry_run: bool = False


@parameters
class Params(SplitOptions, Rule, Scope, SelectOptions):
    """The options."""


class Rollback(NamedTuple):
    """The versions that a rollback restored and took back."""

    restored: str
    taken_back: str


def run(params: Params, progress: Progress) -> Selection | Rollback:
    """Select, or take the last selection back; raises UsageError where both a rollback and a dry run are asked for."""
    if params.rollback and params.dry_run:
        raise UsageError("rollback=1 and dry_run=1 do not go together: a rollback decides nothing. Leave one out.")
    if params.rollback:
        return Rollback(*roll_back())
    rule, scope = pick(Rule, vars(params)), pick(Scope, vars(params))
    return select(params.data, Request(params.split_seed, rule, scope, params.dry_run), progress)


def selection_tags() -> dict[str, str]:
    """From its first moment on a selection is known by these: a killed one can be closed by the next."""
    return {"role": "selection", "owner": json.dumps(this_process())}


def select(data: str, request: Request, progress: Progress) -> Selection:
    """Choose the champion in a run of its own; raises UserFacingError when there is nothing to choose from."""
    with open_run("select", selection_tags()) as run:
        dataset = load_dataset(data, request.split_seed, progress=progress)
        asked = {**vars(request.rule), **vars(request.scope), "dry_run": int(request.dry_run)}
        run.log_params({"data": data, "split_seed": request.split_seed, **asked})
        return select_in(run, dataset, request, progress)


def roll_back() -> tuple[str, str]:
    """Put the previous champion back; returns its version, and that of the one that was taken back."""
    with open_run("select", selection_tags()) as run, registry_lock():
        registry = Registry(run.client)
        registry.repair()
        run.log_params({"rollback": 1})
        restored, taken_back = registry.roll_back()
        run.set_tags({"champion_version": restored, "rolled_back_version": taken_back})
        return restored, taken_back


def select_in(run: Run, dataset: Dataset, request: Request, progress: Progress) -> Selection:
    """Decide, write the decision down, register the winner, then score the finalists on the test images."""
    run.set_tags(dataset_tags(dataset))
    with registry_lock():
        registry = Registry(run.client)
        if not request.dry_run:
            close_abandoned(run, "tags.role = 'selection'")
        repaired = not request.dry_run and registry.repair()
        read = Reader(dataset.validation.labels)
        decision = _decide(run, registry, dataset, request, read, progress)
        write_down(run, decision, read)
        if request.dry_run:
            return Selection(decision, None, leaderboard(decision.choice, {}), store_uri())
        version = register(run, registry, decision, dataset)
        finalists = [finalist.candidate for finalist in decision.choice.finalists]
        opened = open_for(run, finalists, dataset, progress)
        tell(run, registry, version, decision, opened)
    return Selection(decision, version, leaderboard(decision.choice, opened.tested), store_uri(), opened, repaired)


def _decide(
    run: Run, registry: Registry, dataset: Dataset, request: Request, read: Reader, progress: Progress
) -> Decision:
    query, taken_back = as_query(dataset, request.scope), registry.taken_back()

    def find(excluded: Mapping[str, str]) -> Field:
        found = gather(find_candidates(run.client, query), request.rule, read, {**taken_back, **excluded})
        if not found.contenders and not found.left_out:
            others = not_comparable(run.client, query)
            raise UserFacingError(_nothing(dataset.name, request.split_seed, query, others))
        return found

    def compare(candidates: Sequence[Candidate]) -> tuple[dict[str, float], dict[str, str]]:
        addresses = {candidate.run_id: candidate.model_uri for candidate in candidates}
        return measure(addresses, dataset.validation.images, read.check, progress)

    def ask(candidate: Candidate) -> Contender:
        return read.ask(candidate, dataset.validation.images)

    champion = registry.champion()
    choice = choose(find, request.rule, compare, champion.run_id if champion else "")
    verdict = pass_gate(registry, choice, read, ask, compare)
    return Decision(
        choice,
        verdict,
        query,
        datetime.now(UTC).isoformat(timespec="milliseconds"),
        not_comparable(run.client, query),
        _overlooked(run, choice.winner.candidate if verdict.alias == CHAMPION else champion, choice, query),
    )


def _overlooked(run: Run, champion: Candidate | None, choice: Choice, query: Query) -> list[Overlooked]:
    """What is newer than the model that is champion from now on, and was not considered."""
    took_part = {candidate.run_id: "" for candidate in choice.field.candidates}
    reasons = took_part | {run_id: reason for run_id, (_, reason) in choice.field.left_out.items()}
    return list(find_overlooked(run.client, champion, query, reasons, choice.field.floor)) if champion else []


def _nothing(data: str, split_seed: int, query: Query, others: Sequence[NotComparable]) -> str:
    typed = f"-P data={data} -P split_seed={split_seed}"
    told = f"There is no finished run on {data} with split_seed={split_seed} in {store_uri()}"
    if query.is_narrow:
        return f"{told} that the filters let through. Type: mlflow run . -e select --env-manager local {typed}"
    listed = "".join(f"\nNot comparable: {other.text}" for other in others)
    return f"{told}. Train one first, for example: mlflow run . -e knn --env-manager local {typed}{listed}"
