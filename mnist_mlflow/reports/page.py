"""The page about the champion, from the store alone, as HTML that needs nothing else."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.reports.card import Subject, write_card
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.registry import CHAMPION, Registry
from mnist_mlflow.tracking.results import read_file, read_kept

SELECT = "mlflow run . -e select --env-manager local"
CAPTIONS = {
    "confusion_matrix": "Confusion matrix: how often each digit was read as each",
    "reliability": "Reliability: accuracy against confidence",
    "mistakes": "The worst mistakes on the validation images",
    "learning_curves": "Learning curves",
}


def champion_page(registry: Registry) -> str:
    """The page about the champion; raises UserFacingError when there is none, or `select` did not choose it."""
    from jinja2 import Environment, PackageLoader

    version = registry.version(CHAMPION)
    if version is None:
        raise UserFacingError(f"There is no champion to report on. Choose one first: {SELECT}")
    selection_run = version.tags.get("selection_run_id")
    if not selection_run or "ms_per_image" not in version.tags:
        raise UserFacingError(
            f"Version {version.version} of {registry.name} was not chosen by `select`: nothing is known of it."
        )
    candidate, selection = registry.candidate(version), registry.artifacts(selection_run)
    try:
        decision = json.loads(read_file(selection, "decision.json"))
        leaderboard = list(csv.DictReader(io.StringIO(read_file(selection, "leaderboard.csv").decode())))
        sections = write_card(_subject(candidate, registry.uri(CHAMPION), version.tags, decision))
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # anybody may have changed it since
        raise UserFacingError(f"The record of the selection {selection_run} is damaged: {one_line(error)}") from error
    pictures = [_picture(selection, "pareto", "Finalists: accuracy, latency and size; the chosen one is ringed")]
    pictures += [_picture(candidate.artifacts, name, caption) for name, caption in CAPTIONS.items()]
    title = f"{registry.name}, version {version.version}: {candidate.algorithm}"
    environment = Environment(loader=PackageLoader("mnist_mlflow.reports", "."), autoescape=True, trim_blocks=True)
    template = environment.get_template("page.html.jinja")
    return template.render(title=title, leaderboard=leaderboard, sections=sections, pictures=filter(None, pictures))


def _subject(candidate: Candidate, uri: str, tags: Mapping[str, str], decision: Mapping[str, Any]) -> Subject:
    labels, probabilities = read_kept(candidate.artifacts, "validation")
    test_metrics = {name: float(value) for name, value in tags.items() if name.startswith("test_")}
    ms_per_image = float(tags["ms_per_image"])
    return Subject(candidate, uri, labels, probabilities, decision["sentences"], ms_per_image, test_metrics)


def _picture(artifacts: str, name: str, caption: str) -> dict[str, str] | None:
    """The `data` of a picture of a run, to embed, and its `caption`; None where there is none."""
    try:
        png = read_file(artifacts, f"plots/{name}.png")
    except UserFacingError:
        return None
    return {"data": f"data:image/png;base64,{base64.b64encode(png).decode()}", "caption": caption}
