"""Write what the store knows of the champion as a page that needs nothing else."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.parameters import parameters, path
from mnist_mlflow.reports.card import Section, Subject, write_card
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.registry import CHAMPION, REGISTERED_MODEL, Registry
from mnist_mlflow.tracking.results import read_file, read_kept
from mnist_mlflow.tracking.runs import open_run
from mnist_mlflow.types import Progress

AGAIN = "Choose one first: mlflow run . -e select --env-manager local"
PICTURES = {
    "confusion_matrix": "Confusion matrix: how often each digit was read as each",
    "reliability": "Reliability: accuracy against confidence",
    "mistakes": "The worst mistakes on the validation images",
    "learning_curves": "Learning curves",
}


@dataclass(frozen=True)
class Picture:
    """A picture in the page, and what it shows in words."""

    data: str
    caption: str


@dataclass(frozen=True)
class Page:
    """What the template is filled with."""

    title: str
    leaderboard: Sequence[Mapping[str, str]]
    sections: Sequence[Section]
    pictures: Sequence[Picture]


@parameters
class Params:
    """The options."""

    out: Path = path("report.html", "the file to write")


def run(params: Params, progress: Progress) -> Path:
    """Write the page; returns its path."""
    return report(str(params.out))


def report(out: str) -> Path:
    """Write the page into a file, and keep it in a run of its own; returns the file's path.

    Raises UserFacingError when there is no champion, or when what its selection left cannot be read.
    """
    file = Path(out).absolute()
    if not file.parent.is_dir():
        raise UsageError(f"out={out}: there is no folder {file.parent}. Make it, or name another file.")
    with open_run("report", {"role": "report"}) as run:
        page = render(_page(Registry(run.client)))
        file.write_text(page)
        with run.files() as folder:
            (folder / "report.html").write_text(page)
        return file


def render(page: Page) -> str:
    """The page as HTML that needs nothing else."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parents[1] / "reports"), autoescape=True, trim_blocks=True
    )
    return environment.get_template("page.html.jinja").render(vars(page))


def _page(registry: Registry) -> Page:
    version = registry.version(CHAMPION)
    if version is None:
        raise UserFacingError(f"There is no champion to report on. {AGAIN}")
    selection_run = version.tags.get("selection_run_id")
    if not selection_run or "ms_per_image" not in version.tags:
        raise UserFacingError(
            f"Version {version.version} of {REGISTERED_MODEL} was not chosen by `select`: nothing is known of it."
        )
    candidate, selection = registry.candidate(version), registry.artifacts(selection_run)
    decision = json.loads(read_file(selection, "decision.json"))
    board = list(csv.DictReader(io.StringIO(read_file(selection, "leaderboard.csv").decode())))
    sections = write_card(_subject(candidate, version.tags, decision))
    pictures = [_picture(selection, "pareto", "Finalists: accuracy, latency and size; the chosen one is ringed")]
    pictures += [_picture(candidate.artifacts, name, caption) for name, caption in PICTURES.items()]
    title = f"{REGISTERED_MODEL}, version {version.version}: {candidate.algorithm}"
    return Page(title, board, sections, [picture for picture in pictures if picture])


def _subject(candidate: Candidate, tags: Mapping[str, str], decision: Mapping[str, Any]) -> Subject:
    labels, probabilities = read_kept(candidate.artifacts, "validation")
    known = replace(candidate, metrics={**candidate.metrics, "ms_per_image": float(tags["ms_per_image"])})
    tested = {name: float(value) for name, value in tags.items() if name.startswith("test_")}
    return Subject(known, labels, probabilities, decision["sentences"], tested)


def _picture(artifacts: str, name: str, caption: str) -> Picture | None:
    """A picture of a run, embedded; None where the run has none of that name."""
    try:
        png = read_file(artifacts, f"plots/{name}.png")
    except UserFacingError:
        return None
    return Picture(f"data:image/png;base64,{base64.b64encode(png).decode()}", caption)
