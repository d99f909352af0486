"""What comes of a decision: it is written down, the winner is registered, and the registry's page tells of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

from mnist_mlflow.data import Dataset
from mnist_mlflow.evaluation.pareto import draw_pareto
from mnist_mlflow.evaluation.plots import as_png
from mnist_mlflow.reports.card import Subject, as_markdown, shortened, write_card
from mnist_mlflow.selection.decision import Decision, pairwise, points
from mnist_mlflow.selection.leaderboard import leaderboard, write_leaderboard
from mnist_mlflow.selection.pool import Reader
from mnist_mlflow.selection.test_images import Opened
from mnist_mlflow.tracking.registry import CHAMPION, REGISTERED_MODEL, Registry
from mnist_mlflow.tracking.results import dataset_tags, read_kept, write_pictures
from mnist_mlflow.tracking.runs import Run

MOST_PAIRS = 10  # models whose pairs are all compared


def write_down(run: Run, decision: Decision, read: Reader) -> None:
    """Before anything is changed, and before the test images are opened."""
    choice = decision.choice
    picture = draw_pareto(points(choice), "Finalists: accuracy, latency and size")
    level = [finalist.candidate for finalist in choice.finalists][:MOST_PAIRS]
    with run.files() as folder:
        (folder / "decision.json").write_text(json.dumps(decision.as_json(), indent=2))
        if len(level) > 1:
            pairwise([read(candidate) for candidate in level]).to_csv(folder / "pairwise.csv", index=False)
        write_pictures(folder, {"pareto": as_png(picture)})
        write_leaderboard(leaderboard(choice, {}), folder)


def register(run: Run, registry: Registry, decision: Decision, dataset: Dataset) -> str:
    """Register the winner and give it the alias that it deserves; returns its version."""
    winner = decision.choice.winner
    tags = {
        "run_id": winner.candidate.run_id,
        "selection_run_id": run.id,
        "algorithm": winner.candidate.algorithm,
        "ms_per_image": f"{winner.ms_per_image:.4g}",
        **dataset_tags(dataset),
        **winner.candidate.final_metrics,
    }
    version = registry.register(winner.candidate, _card(run, decision, {}), tags)
    if decision.verdict.alias == CHAMPION:
        registry.crown(version)
    else:
        registry.challenge(version)
    alias = decision.verdict.alias
    run.set_tags({f"{alias}_run_id": winner.candidate.run_id, f"{alias}_version": version})
    return version


def tell(run: Run, registry: Registry, version: str, decision: Decision, opened: Opened) -> None:
    """Say in the registry, and in the selection's run, how the winner does on the test images."""
    tested = opened.tested.get(decision.choice.winner.candidate.run_id, {})
    card = _card(run, decision, tested)
    registry.tag(version, {**tested, "test_openings": opened.openings})
    registry.describe(version, card)
    run.describe(card)
    with run.files() as folder:
        write_leaderboard(leaderboard(decision.choice, opened.tested), folder)
    if opened.reasons:
        run.set_tags({"not_scored": "; ".join(opened.reasons)})


def _card(run: Run, decision: Decision, tested: Mapping[str, float]) -> str:
    winner = decision.choice.winner
    labels, probabilities = read_kept(winner.candidate.artifacts, "validation")
    known = {**winner.candidate.metrics, "ms_per_image": winner.ms_per_image}
    candidate = dataclasses.replace(winner.candidate, metrics=known)
    sections = write_card(Subject(candidate, labels, probabilities, decision.sentences, tested))
    title = f"{REGISTERED_MODEL}: {candidate.algorithm}"
    with run.files() as folder:
        (folder / "card.md").write_text(as_markdown(title, sections))
    return shortened(title, sections, f"The whole card is `card.md` of run {run.id}.")
