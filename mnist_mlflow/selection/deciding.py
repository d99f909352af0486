"""Deciding: what the store and the registry hold, what the rule makes of it, and what is not considered."""

from __future__ import annotations

from collections.abc import Sequence

from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.parameters import parameters
from mnist_mlflow.protocol import Names, Rule, Scope, SplitOptions, command
from mnist_mlflow.selection.decision import Decision
from mnist_mlflow.selection.evidence import Evidence
from mnist_mlflow.selection.pool import CandidatePool
from mnist_mlflow.selection.rule import apply_rule, decide_alias
from mnist_mlflow.selection.scope import as_query
from mnist_mlflow.tracking.aliases import CHAMPION
from mnist_mlflow.tracking.candidates import Candidates, NotComparable, Query, not_comparable
from mnist_mlflow.tracking.members import Members
from mnist_mlflow.tracking.models import Load
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.tracking.signatures import sign
from mnist_mlflow.tracking.snapshot import Snapshot
from mnist_mlflow.tracking.store import store_uri
from mnist_mlflow.tracking.unconsidered import find_unconsidered
from mnist_mlflow.types import Progress


@parameters
class Question(Scope, Names, Rule, SplitOptions):
    """All that a decision depends on, but for the store and the registry."""


def selection_tags() -> dict[str, str]:
    """Tags of a selection's run from its first moment: a killed one can be closed by the next."""
    return {"role": "selection"}


def decide(
    run: Run, registry: Registry, dataset: Dataset, question: Question, load: Load, progress: Progress
) -> Decision:
    """The decision on the winner and its alias, which changes nothing; raises UserFacingError where there is none."""
    state, query = registry.state(), as_query(dataset, question)
    registry = Snapshot(run.client, question, state)
    champion, evidence = registry.champion(), Evidence(dataset.validation, progress, load)
    incumbent, candidates = champion.run_id if champion else "", Candidates(run.client, query)
    members = Members(candidates, incumbent)
    pool = CandidatePool(candidates, evidence, question, registry.taken_back(), members)
    others = not_comparable(run.client, query)
    if not pool.entries:
        raise UserFacingError(_nothing(dataset, question, query, others))
    choice = apply_rule(pool, incumbent)
    verdict = decide_alias(registry, choice, evidence)
    newest = choice.winner.candidate if verdict.alias == CHAMPION else champion
    reasons = dict.fromkeys(pool.skipped, "")
    reasons |= {run_id: entry.excluded for entry in choice.entries for run_id in entry.run_ids}
    unconsidered = find_unconsidered(run.client, newest, query, reasons, choice.floor) if newest else ()
    return Decision(choice, verdict, query, sign(run), others, list(unconsidered), state, list(reasons))


def _nothing(dataset: Dataset, question: Question, query: Query, others: Sequence[NotComparable]) -> str:
    """The error when the store holds no candidate, with the command that helps."""
    split: dict[str, object] = {"data": dataset.address, "split_seed": question.split_seed}
    place = f" in the experiment {question.experiment}" if question.experiment else ""
    text = f"There is no finished run on {dataset.name} with split_seed={question.split_seed}{place} in {store_uri()}"
    if query.is_narrow:
        return f"{text} that the filters let through. Type: {question.command('select', split)}"
    listed = "".join(f"\nNot comparable: {other.text}" for other in others)
    train = question.command("main", {"algorithms": "knn", **split}) if question.experiment else command("knn", split)
    return f"{text}. Train one first, for example: {train}{listed}"
