"""The page about the champion, from the store alone, as HTML that needs nothing else."""

from __future__ import annotations

import csv
import io

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.reports.board import Board
from mnist_mlflow.reports.card import reproduce_command, write_card
from mnist_mlflow.reports.chosen import Gone, read_subject
from mnist_mlflow.reports.evaluations import latest_corruptions
from mnist_mlflow.reports.figures import time_text
from mnist_mlflow.reports.html import embedded, render
from mnist_mlflow.reports.sections import Section
from mnist_mlflow.tracking.aliases import CHAMPION
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.reproductions import find_reproductions
from mnist_mlflow.tracking.results import read_file
from mnist_mlflow.tracking.versions import SELECTED_BY

CAPTIONS = {
    "confusion_matrix": "Confusion matrix: how often each digit was read as each",
    "reliability": "Reliability: accuracy against confidence",
    "risk_coverage": "Errors among the surest answers, against their share of all",
    "mistakes": "The worst mistakes on the validation images",
    "learning_curves": "Learning curves",
}


def champion_page(registry: Registry) -> str:
    """The page about the champion; raises UserFacingError when there is none, or `select` did not choose it.

    What else is gone from the store is missing on the page, which says so.
    """
    version = registry.version(CHAMPION)
    if version is None:
        choose = registry.names.command("select")
        raise UserFacingError(f"There is no champion of {registry.name} to report on. Choose one first: {choose}")
    gone, selection_run = Gone(), version.tags.get(SELECTED_BY, "")
    selection = gone.unless(lambda: registry.artifacts(selection_run), "")
    subject = read_subject(registry, version, selection, gone)
    candidate = subject.candidate
    leaderboard: list[dict[str, str]] = gone.unless(lambda: _read_leaderboard(selection), [])
    beginning, *card = write_card(subject)
    sections = gone.sections() + card + [_reproductions(registry, candidate)]
    pictures = [_picture(selection, "pareto", "Finalists: accuracy, latency and size; the chosen one is ringed")]
    pictures += [_picture(candidate.artifacts, name, caption) for name, caption in CAPTIONS.items()]
    if corruptions := latest_corruptions(subject.evaluations):
        pictures += [_picture(corruptions.artifacts, "corruptions", "Accuracy on corrupted images, the worst first")]
    title = f"{registry.name}, version {version.version}: {candidate.algorithm}"
    shown = list(filter(None, pictures))
    lead = f"The champion of {registry.name} is version {version.version}. {beginning.text}"
    board = Board(leaderboard, candidate.run_id)
    return render("page.html.jinja", title=title, lead=lead, board=board, sections=sections, pictures=shown)


def _reproductions(registry: Registry, candidate: Candidate) -> Section:
    """A row for each time that the champion's run was made again, or the command to do so."""
    title, reproductions = "Reproduced", find_reproductions(registry.client, candidate.run_id)
    rows = [[one.verdict, one.user, time_text(one.time_ms), one.run_id] for one in reproductions]
    if not rows and not candidate.artifacts:
        return Section(title, "Never, and its run is gone.")
    if not rows:
        return Section(title, "Not yet. Type:", code=reproduce_command(candidate.run_id))
    return Section(title, head=("verdict", "by", "when", "run"), rows=rows)


def _read_leaderboard(selection: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(read_file(selection, "leaderboard.csv").decode())))


def _picture(artifacts: str, name: str, caption: str) -> dict[str, str] | None:
    """The `data` of a picture of a run, to embed, and its `caption`; None where there is none."""
    try:
        png = read_file(artifacts, f"plots/{name}.png")
    except UserFacingError:
        return None
    return {"data": embedded(png), "caption": caption}
