"""Promotion: a decision is recorded; its outcome is carried out: the winner is registered, scored and described."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_mlflow.data import Dataset
from mnist_mlflow.evaluation.drawing import as_png
from mnist_mlflow.evaluation.pareto import draw_pareto
from mnist_mlflow.reports.card import Subject, card_title, short_card, write_card
from mnist_mlflow.reports.sections import as_markdown
from mnist_mlflow.selection.decision import Decision
from mnist_mlflow.selection.finalists import pairwise, points
from mnist_mlflow.selection.leaderboard import leaderboard, with_test_figures, write_leaderboard
from mnist_mlflow.selection.outcome import Outcome
from mnist_mlflow.selection.plan import TO_APPLY, Plan
from mnist_mlflow.selection.test_images import TestScores, score_finalists
from mnist_mlflow.tracking.aliases import CHAMPION, State
from mnist_mlflow.tracking.evaluations import find_evaluations
from mnist_mlflow.tracking.models import Load, load_model
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.results import read_kept, write_pictures
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.tracking.signatures import APPLICATION, SIGNATURES, sign
from mnist_mlflow.tracking.store import store_uri
from mnist_mlflow.tracking.versions import SELECTED_BY
from mnist_mlflow.types import Progress

if TYPE_CHECKING:
    import pandas as pd

MOST_PAIRED = 10  # finalists whose pairs are all compared


@dataclass(frozen=True)
class Promotion:
    """The version that the winner became, the test scores of the finalists, and the leaderboard with them."""

    version: str
    scores: TestScores
    table: pd.DataFrame


def record_decision(run: Run, decision: Decision, plan: Plan | None) -> None:
    """Log the decision, and the plan of a dry run: before anything is changed, and the test images are opened."""
    choice = decision.choice
    finalists = points(choice)
    picture = draw_pareto(finalists, f"{len(finalists)} of {len(choice.taking_part)} models that took part")
    record = decision.as_json() | ({TO_APPLY: dataclasses.asdict(plan)} if plan else {})
    with run.files() as folder:
        (folder / "decision.json").write_text(json.dumps(record, indent=2), encoding="utf-8")
        if len(choice.finalists) > 1:
            pairwise(choice.finalists[:MOST_PAIRED]).to_csv(folder / "pairwise.csv", index=False)
        write_pictures(folder, {"pareto": as_png(picture)})
        write_leaderboard(leaderboard(choice), folder)


def promote(
    run: Run,
    registry: Registry,
    outcome: Outcome,
    since: State,
    dataset: Dataset,
    progress: Progress,
    load: Load = load_model,
) -> Promotion:
    """Register the winner, give it its alias, and only then score the finalists on the test images.

    Raises UserFacingError, and changes nothing, if the state of the registered model is not `since` any more.
    """
    subject = _subject(run, registry, outcome)
    with registry.alone(since=since):
        version = _register_winner(run, registry, outcome, subject)
    scores = score_finalists(run, outcome.finalists, dataset, progress, load)
    table = with_test_figures(outcome.table, scores.metrics)
    _publish_test_scores(run, registry, version, subject, scores, scores.metrics.get(outcome.winner, {}))
    with run.files() as folder:
        write_leaderboard(table, folder)
    return Promotion(version, scores, table)


def _subject(run: Run, registry: Registry, outcome: Outcome) -> Subject:
    """The subject of the winner's card."""
    winner = outcome.winner
    return Subject(
        winner.candidate,
        registry.uri(CHAMPION),
        store_uri(),
        read_kept(winner.candidate.artifacts, "validation"),
        outcome.ruling.sentences,
        winner.ms_per_image,
        signed=outcome.ruling.signed | sign(run).facts(APPLICATION),
        evaluations=find_evaluations(run.client, winner.candidate.run_id),
    )


def _register_winner(run: Run, registry: Registry, outcome: Outcome, subject: Subject) -> str:
    """Register the winner and give it the alias of the ruling; returns its version."""
    winner, alias = outcome.winner, outcome.ruling.alias
    tags = {
        "algorithm": winner.candidate.algorithm,
        "val_accuracy": winner.candidate.metrics["val_accuracy"],
        "ms_per_image": f"{winner.ms_per_image:.4g}",
        SELECTED_BY: run.id,
        SIGNATURES: json.dumps(subject.signed),
    }
    version = registry.register(winner.candidate, short_card(registry.name, subject, run.id, run.place), tags)
    if alias == CHAMPION:
        registry.make_champion(version)
    else:
        registry.make_challenger(version)
    run.set_tags({f"{alias}_run_id": winner.candidate.run_id, f"{alias}_version": version})
    return version


def _publish_test_scores(
    run: Run,
    registry: Registry,
    version: str,
    subject: Subject,
    scores: TestScores,
    of_winner: Mapping[str, float],
) -> None:
    """Add the test scores to the winner's version and to its card, which is logged as `card.md`."""
    subject = dataclasses.replace(subject, test_metrics={**of_winner, "test_openings": scores.openings})
    card = short_card(registry.name, subject, run.id, run.place)
    if registry.selected_by(version) == run.id:  # else another selection has described it meanwhile
        registry.tag_scores(version, subject.test_metrics)
        registry.describe(version, card)
    run.describe(card, {"not_scored": "; ".join(scores.failures)} if scores.failures else {})
    with run.files() as folder:
        whole = as_markdown(card_title(registry.name, subject), write_card(subject))
        (folder / "card.md").write_text(whole, encoding="utf-8")
