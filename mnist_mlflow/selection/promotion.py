"""Promotion: a decision is recorded; its outcome is carried out: the winner is registered, scored and described."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_mlflow.data import Dataset
from mnist_mlflow.evaluation.pareto import draw_pareto
from mnist_mlflow.evaluation.plots import as_png
from mnist_mlflow.reports.card import Subject, as_markdown, shortened, write_card
from mnist_mlflow.selection.decision import Decision, pairwise, points
from mnist_mlflow.selection.leaderboard import leaderboard, with_test_figures, write_leaderboard
from mnist_mlflow.selection.outcome import Outcome
from mnist_mlflow.selection.plan import TO_APPLY, Plan
from mnist_mlflow.selection.test_images import TestScores, score_finalists
from mnist_mlflow.tracking.aliases import CHAMPION, State
from mnist_mlflow.tracking.registry import SELECTED_BY, Registry
from mnist_mlflow.tracking.results import dataset_tags, read_kept, write_pictures
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.tracking.signatures import APPLICATION, sign
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
    picture = draw_pareto(points(choice), "Finalists: accuracy, latency and size")
    record = decision.as_json() | ({TO_APPLY: dataclasses.asdict(plan)} if plan else {})
    with run.files() as folder:
        (folder / "decision.json").write_text(json.dumps(record, indent=2), encoding="utf-8")
        if len(choice.finalists) > 1:
            pairwise(choice.finalists[:MOST_PAIRED]).to_csv(folder / "pairwise.csv", index=False)
        write_pictures(folder, {"pareto": as_png(picture)})
        write_leaderboard(leaderboard(choice), folder)


def promote(
    run: Run, registry: Registry, outcome: Outcome, since: State, dataset: Dataset, progress: Progress
) -> Promotion:
    """Register the winner, give it its alias, and only then score the finalists on the test images.

    Raises UserFacingError, and changes nothing, if the state of the registered model is not `since` any more.
    """
    with registry.alone(since=since):
        version, tags = _register_winner(run, registry, outcome, dataset)
    scores = score_finalists(run, outcome.finalists, dataset, progress)
    table = with_test_figures(outcome.table, scores.metrics)
    _publish_test_scores(run, registry, version, outcome, tags, scores)
    with run.files() as folder:
        write_leaderboard(table, folder)
    return Promotion(version, scores, table)


def _register_winner(run: Run, registry: Registry, outcome: Outcome, dataset: Dataset) -> tuple[str, dict[str, str]]:
    """Register the winner and give it the alias of the ruling; returns its version, and who decided and applied."""
    winner, alias = outcome.winner, outcome.ruling.alias
    signed = outcome.ruling.tags | sign(run).as_tags(APPLICATION)
    tags = {
        "run_id": winner.candidate.run_id,
        SELECTED_BY: run.id,
        "algorithm": winner.candidate.algorithm,
        "ms_per_image": f"{winner.ms_per_image:.4g}",
        **signed,
        **dataset_tags(dataset),
        **winner.candidate.final_metrics,
    }
    version = registry.register(winner.candidate, _card(run, registry, outcome, signed, {}), tags)
    if alias == CHAMPION:
        registry.make_champion(version)
    else:
        registry.make_challenger(version)
    run.set_tags({f"{alias}_run_id": winner.candidate.run_id, f"{alias}_version": version})
    return version, signed


def _publish_test_scores(
    run: Run, registry: Registry, version: str, outcome: Outcome, signed: Mapping[str, str], scores: TestScores
) -> None:
    """Add the test scores to the winner's version and to its card."""
    test_metrics = {**scores.metrics.get(outcome.winner, {}), "test_openings": scores.openings}
    card = _card(run, registry, outcome, signed, test_metrics)
    if registry.selected_by(version) == run.id:  # else another selection has described it meanwhile
        registry.tag(version, test_metrics)
        registry.describe(version, card)
    run.describe(card)
    if scores.failures:
        run.set_tags({"not_scored": "; ".join(scores.failures)})


def _card(
    run: Run, registry: Registry, outcome: Outcome, signed: Mapping[str, str], test_metrics: Mapping[str, float]
) -> str:
    """The winner's card, shortened to what the registry stores; the whole is logged as `card.md`."""
    winner = outcome.winner
    labels, probabilities = read_kept(winner.candidate.artifacts, "validation")
    subject = Subject(
        winner.candidate,
        registry.uri(CHAMPION),
        labels,
        probabilities,
        outcome.ruling.sentences,
        winner.ms_per_image,
        test_metrics,
        signed,
    )
    title, sections = f"{registry.name}: {winner.candidate.algorithm}", write_card(subject)
    with run.files() as folder:
        (folder / "card.md").write_text(as_markdown(title, sections), encoding="utf-8")
    return shortened(title, sections, f"The whole card is `card.md` of run {run.id}.")
