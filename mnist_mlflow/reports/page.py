"""The page about the champion, from the store alone, as HTML that needs nothing else."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np

from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.reports.card import Subject, reproduce_command, write_card
from mnist_mlflow.reports.evaluations import latest_corruptions
from mnist_mlflow.reports.html import embedded, render
from mnist_mlflow.reports.sections import Section
from mnist_mlflow.tracking.aliases import CHAMPION
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.evaluations import find_evaluations
from mnist_mlflow.tracking.queries import RUN_ID, count_openings
from mnist_mlflow.tracking.registry import SELECTED_BY, Registry, numbers
from mnist_mlflow.tracking.reproductions import find_reproductions
from mnist_mlflow.tracking.results import read_file, read_kept
from mnist_mlflow.types import CLASSES

NOTHING_KEPT = np.empty(0, np.uint8), np.empty((0, CLASSES))
FIGURE = re.compile("test_|ms_per_image$")  # among the tags of a version
CAPTIONS = {
    "confusion_matrix": "Confusion matrix: how often each digit was read as each",
    "reliability": "Reliability: accuracy against confidence",
    "mistakes": "The worst mistakes on the validation images",
    "learning_curves": "Learning curves",
}

Content = TypeVar("Content")


def champion_page(registry: Registry) -> str:
    """The page about the champion; raises UserFacingError when there is none, or `select` did not choose it.

    What else is gone from the store is missing on the page, which says so.
    """
    version = registry.version(CHAMPION)
    if version is None:
        choose = registry.names.command("select")
        raise UserFacingError(f"There is no champion of {registry.name} to report on. Choose one first: {choose}")
    selection_run, figures = version.tags.get(SELECTED_BY), numbers(version.tags, FIGURE)
    if not selection_run or "ms_per_image" not in figures:
        raise UserFacingError(
            f"Version {version.version} of {registry.name} was not chosen by `select`: nothing is known of it."
        )
    candidate, gone = registry.candidate(version), Gone()
    selection = gone.unless(lambda: registry.artifacts(selection_run), "")
    decision: dict[str, str] = gone.unless(lambda: _read_sentences(selection), {})
    leaderboard: list[dict[str, str]] = gone.unless(lambda: _read_leaderboard(selection), [])
    probabilities = gone.unless(lambda: read_kept(candidate.artifacts, "validation"), NOTHING_KEPT)
    ms_per_image = figures.pop("ms_per_image")
    figures |= _openings(registry, candidate)
    evaluations = find_evaluations(registry.client, candidate.run_id)
    about = registry.uri(CHAMPION), *probabilities, decision, ms_per_image, figures, version.tags, evaluations
    subject = Subject(candidate, *about)
    sections = gone.sections() + write_card(subject) + [_reproductions(registry, candidate)]
    pictures = [_picture(selection, "pareto", "Finalists: accuracy, latency and size; the chosen one is ringed")]
    pictures += [_picture(candidate.artifacts, name, caption) for name, caption in CAPTIONS.items()]
    if corruptions := latest_corruptions(evaluations):
        pictures += [_picture(corruptions.artifacts, "corruptions", "Accuracy on corrupted images, the worst first")]
    title = f"{registry.name}, version {version.version}: {candidate.algorithm}"
    shown = list(filter(None, pictures))
    return render("page.html.jinja", title=title, leaderboard=leaderboard, sections=sections, pictures=shown)


def _openings(registry: Registry, candidate: Candidate) -> dict[str, float]:
    """The openings of the test images so far, in place of those when it was selected."""
    digest = candidate.tags.get("split_digest", "")
    return {"test_openings": count_openings(registry.client, digest)} if RUN_ID.fullmatch(digest) else {}


def _reproductions(registry: Registry, candidate: Candidate) -> Section:
    """A row for each time that the champion's run was made again, or the command to do so."""
    title, reproductions = "Reproduced", find_reproductions(registry.client, candidate.run_id)
    rows = [[one.verdict, one.user, _time(one.time_ms), one.run_id] for one in reproductions]
    if not rows and not candidate.artifacts:
        return Section(title, "Never, and its run is gone.")
    if not rows:
        return Section(title, "Not yet. Type:", code=reproduce_command(candidate.run_id))
    return Section(title, head=("verdict", "by", "when", "run"), rows=rows)


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


class Gone:
    """The sources of the page that are gone or damaged: it is written without them, and says so."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def unless(self, read: Callable[[], Content], otherwise: Content) -> Content:
        """The content that is read, or something else if its source is gone or damaged."""
        try:
            return read()
        except (UserFacingError, ValueError, LookupError, TypeError, AttributeError) as error:
            self.reasons.append(one_line(error))
            return otherwise

    def sections(self) -> list[Section]:
        """A section about them, if there are any."""
        rows = [[reason] for reason in self.reasons]
        return [Section("What is gone", "These are gone or damaged:", rows=rows, head=("",))] if rows else []


def _read_sentences(selection: str) -> dict[str, str]:
    """The sentences of a selection, which anybody may have changed since."""
    stored = json.loads(read_file(selection, "decision.json"))["sentences"]
    return {str(name): str(sentence) for name, sentence in stored.items()}


def _read_leaderboard(selection: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(read_file(selection, "leaderboard.csv").decode())))


def _picture(artifacts: str, name: str, caption: str) -> dict[str, str] | None:
    """The `data` of a picture of a run, to embed, and its `caption`; None where there is none."""
    try:
        png = read_file(artifacts, f"plots/{name}.png")
    except UserFacingError:
        return None
    return {"data": embedded(png), "caption": caption}
