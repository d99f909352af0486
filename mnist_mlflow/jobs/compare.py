"""Compare two to eight runs: what made them, how well they read, and which images only one reads right.

    mlflow run . -e compare --env-manager local -P runs=0f3a1b2c,champion

Runs that differ in nothing but the seed count as one. Runs on other images are compared in all but accuracy.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mnist_mlflow.data import load_dataset
from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.jobs.outputs import check_out
from mnist_mlflow.parameters import Several, parameters, path, several, typed
from mnist_mlflow.protocol import Names
from mnist_mlflow.reports.comparison import Comparison, compare
from mnist_mlflow.reports.comparison_page import comparison_page
from mnist_mlflow.reports.sections import Section, shortened
from mnist_mlflow.tracking.datasets import address_of
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.named import FORMS
from mnist_mlflow.tracking.named_sides import find_sides
from mnist_mlflow.tracking.sides import Side, read_side
from mnist_mlflow.tracking.store import connect, project_root
from mnist_mlflow.types import Images, Progress

WHERE = "All of it is in compare.html, among the artifacts."
DISPENSABLE = ("Changes of the code", "Searches", "Runs", "Cost", "What differs")  # in the description, this first


@parameters
class Params(Names):
    """Options of `compare`."""

    runs: Several[str] = several((), f"two to eight names of runs, with commas between them: {FORMS}", "which runs")
    out: Path = path("compare.html", "the file to write")


@dataclass(frozen=True)
class CompareResult:
    """A comparison, and the file that shows all of it."""

    comparison: Comparison = field(repr=False)
    out: Path

    @property
    def answer(self) -> str:
        """The answer in a sentence or two: which run is better."""
        return " ".join(self.comparison.answer)


def run(params: Params, progress: Progress) -> CompareResult:
    """Compare runs, write the page into a file, and log it with its tables in a run of its own.

    Raises UserFacingError, before there is a run, for runs that cannot be compared and a file that cannot be written.
    """
    out = check_out(params.out, "compare.html")
    sides = find_sides(connect(), params.runs, params.registered_model)
    with open_run("compare", {"role": "comparison"}, params.experiment, name=f"comparison of {len(sides)} runs") as run:
        run.log_params({name: typed(value) for name, value in vars(params).items()})
        run.set_tags({"compared": ",".join(one.info.run_id for side in sides for one in side.runs)})
        for number, side in enumerate(sides):
            progress("read the runs", number, len(sides), side.label)
            sides[number] = read_side(side)
        progress("read the runs", 1, 1)
        comparison = compare(sides, project_root())
        title = f"Comparison of {', '.join(side.label for side in sides)}"
        images, lacking = _load_images([pair.first for pair in comparison.pairs], progress)
        page = comparison_page(comparison, title, images, lacking)
        out.write_text(page, encoding="utf-8")
        with run.files() as folder:
            (folder / "compare.html").write_text(page, encoding="utf-8")
            _write_tables(folder, [*comparison.sections, *comparison.details])
        result = CompareResult(comparison, out)
        described = [Section("Answer", result.answer), *comparison.sections]
        run.describe(shortened(title, described, WHERE, DISPENSABLE))
        return result


def _load_images(sides: Sequence[Side], progress: Progress) -> tuple[dict[tuple[str, str], Images], list[str]]:
    """The validation images of the sides by their digests, and the reasons why some are not there."""
    images: dict[tuple[str, str], Images] = {}
    reasons: dict[tuple[str, str], str] = {}
    for side in sides:
        if side.images not in images and side.images not in reasons:
            try:
                images[side.images] = _validation_images(side, progress)
            except (UserFacingError, ValueError) as error:
                reasons[side.images] = f"There are no pictures of the images of {side.label}: {one_line(error)}"
    return images, list(reasons.values())


def _validation_images(side: Side, progress: Progress) -> Images:
    """The validation images of a side; raises UserFacingError where they are not those that it was scored on."""
    run = side.runs[0].data
    data, split_seed = address_of(run.tags), int(run.params.get("split_seed", ""))
    dataset = load_dataset(data, split_seed, progress=progress)
    if (dataset.digest, dataset.split_digest) != side.images:
        raise UserFacingError(f"{data} with split_seed={split_seed} has other images here")
    return dataset.validation.images


def _write_tables(folder: Path, sections: Sequence[Section]) -> None:
    """Write the table of each section as a CSV file that is named after it."""
    for section in sections:
        if section.rows:
            name = re.sub(r"\W+", "_", section.title.lower())
            with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([section.head, *section.rows])
