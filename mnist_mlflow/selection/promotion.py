"""Promotion: the decision is recorded, the winner is registered, and its version is described with its test scores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mnist_mlflow.data import Dataset
from mnist_mlflow.evaluation.pareto import draw_pareto
from mnist_mlflow.evaluation.plots import as_png
from mnist_mlflow.reports.card import Section, Subject, as_markdown, shortened, write_card
from mnist_mlflow.selection.decision import Decision, pairwise, points
from mnist_mlflow.selection.leaderboard import leaderboard, write_leaderboard
from mnist_mlflow.selection.test_images import TestScores
from mnist_mlflow.tracking.aliases import CHAMPION
from mnist_mlflow.tracking.registry import SELECTED_BY, Registry
from mnist_mlflow.tracking.results import dataset_tags, read_kept, write_pictures
from mnist_mlflow.tracking.runs import Run

MOST_PAIRED = 10  # finalists whose pairs are all compared


def record_decision(run: Run, decision: Decision) -> None:
    """Log the decision, before anything is changed and before the test images are opened."""
    choice = decision.choice
    picture = draw_pareto(points(choice), "Finalists: accuracy, latency and size")
    with run.files() as folder:
        (folder / "decision.json").write_text(json.dumps(decision.as_json(), indent=2), encoding="utf-8")
        if len(choice.finalists) > 1:
            pairwise(choice.finalists[:MOST_PAIRED]).to_csv(folder / "pairwise.csv", index=False)
        write_pictures(folder, {"pareto": as_png(picture)})
        write_leaderboard(leaderboard(choice, {}), folder)


def register_winner(run: Run, registry: Registry, decision: Decision, dataset: Dataset) -> str:
    """Register the winner and give it the alias of the verdict; returns its version."""
    winner, alias = decision.choice.winner, decision.verdict.alias
    tags = {
        "run_id": winner.candidate.run_id,
        SELECTED_BY: run.id,
        "algorithm": winner.candidate.algorithm,
        "ms_per_image": f"{winner.ms_per_image:.4g}",
        **dataset_tags(dataset),
        **winner.candidate.final_metrics,
    }
    version = registry.register(winner.candidate, _short(run, *_card(registry, decision, {})), tags)
    if alias == CHAMPION:
        registry.make_champion(version)
    else:
        registry.make_challenger(version)
    run.set_tags({f"{alias}_run_id": winner.candidate.run_id, f"{alias}_version": version})
    return version


def publish_test_scores(run: Run, registry: Registry, version: str, decision: Decision, scores: TestScores) -> None:
    """Add the test scores to the winner's version, to its card, and to the leaderboard."""
    test_metrics = scores.metrics.get(decision.choice.winner, {})
    title, sections = _card(registry, decision, test_metrics)
    card = _short(run, title, sections)
    if registry.selected_by(version) == run.id:  # else another selection has described it meanwhile
        registry.tag_scores(version, test_metrics, scores.openings)
        registry.describe(version, card)
    run.describe(card, {"not_scored": "; ".join(scores.failures)} if scores.failures else {})
    with run.files() as folder:
        (folder / "card.md").write_text(as_markdown(title, sections), encoding="utf-8")
        if scores.metrics:
            write_leaderboard(leaderboard(decision.choice, scores.metrics), folder)


def _short(run: Run, title: str, sections: Sequence[Section]) -> str:
    """The winner's card, shortened to what the registry stores; the whole becomes `card.md` in the end."""
    return shortened(title, sections, f"The whole card is `card.md` of run {run.id}.")


def _card(registry: Registry, decision: Decision, test_metrics: Mapping[str, float]) -> tuple[str, Sequence[Section]]:
    """The title and the sections of the winner's card."""
    winner = decision.choice.winner
    labels, probabilities = read_kept(winner.candidate.artifacts, "validation")
    subject = Subject(
        winner.candidate,
        registry.uri(CHAMPION),
        labels,
        probabilities,
        decision.sentences,
        winner.ms_per_image,
        test_metrics,
    )
    return f"{registry.name}: {winner.candidate.algorithm}", write_card(subject)
