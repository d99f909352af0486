"""Read the digits of pictures: photos, scans and drawings with one digit, a row of them, or several rows.

    mlflow run . -e read --env-manager local -P pictures=photo.jpg

A picture for each page shows where its digits are, their answers, and what the model saw.
"""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mnist_mlflow.data.folders import is_called_picture
from mnist_mlflow.data.pages.files import Page, find_pictures, open_pages
from mnist_mlflow.data.pages.finding import FoundDigit, find_digits
from mnist_mlflow.errors import ImageError, UserFacingError, one_line
from mnist_mlflow.jobs.outputs import check_out
from mnist_mlflow.parameters import parameters, path, text, typed
from mnist_mlflow.protocol import ExperimentOptions, ReaderOptions
from mnist_mlflow.reports.framed import framed
from mnist_mlflow.reports.readings import page_table, row_texts, skipped_table
from mnist_mlflow.tracking.artifacts import whereabouts
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.readers import Reader, load_reader
from mnist_mlflow.tracking.results import as_metrics
from mnist_mlflow.types import Progress

if TYPE_CHECKING:
    import pandas as pd

TABLE, FOLDER = "readings.csv", "pictures"
SHOWN = 10  # reasons in an error

PageDigits: TypeAlias = tuple[Page, Sequence[FoundDigit]]  # a page, and the digits on it


@parameters
class Params(ReaderOptions, ExperimentOptions):
    """Options of `read`."""

    pictures: str = text("", ".*", "a file, a folder, a glob like 'scans/*.jpg', or - for stdin", "what to read")
    out: Path = path(TABLE, "the file to write")


@dataclass(frozen=True)
class ReadResult:
    """The readings with their counts, the file that they are in, and where the pictures are that show them."""

    table: pd.DataFrame = field(repr=False)
    metrics: dict[str, float]
    model: str
    out: Path
    pictures: str


def run(params: Params, progress: Progress) -> ReadResult:
    """Read pictures, write the readings into a file, and log them with pictures in a run of its own.

    Raises UserFacingError, before there is a run, where no picture shows digits and where no model loads.
    """
    started = time.perf_counter()
    out = check_out(params.out, TABLE)
    names = find_pictures(params.pictures)
    pages = _from_first_digit(_find_in(names, progress))
    reader = load_reader(params.model, params.registered_model)
    with open_run(
        "read", {"role": "reading", **reader.tags}, params.experiment, name=f"reading of {typed(params.pictures)}"
    ) as run:
        run.log_params({name: typed(value) for name, value in vars(params).items()})
        with run.files() as folder:
            table = _read(pages, reader, params.max_error, folder / FOLDER)
            table.to_csv(folder / TABLE, index=False)
        table.to_csv(out, index=False)
        metrics = _count(table, names) | {"seconds": time.perf_counter() - started}
        run.log_metrics(as_metrics(run, metrics, None, None))
        return ReadResult(table, metrics, reader.name, out, whereabouts(run.client, run.id, FOLDER))


def _find_in(names: Sequence[str], progress: Progress) -> Iterator[PageDigits]:
    """The pages of files, one at a time, with the digits that are found on them."""
    for number, name in enumerate(names):
        progress("read", number, len(names), name)
        for page in open_pages(name):
            try:
                yield page, [] if page.picture is None else find_digits(page.picture)
            except ImageError as error:
                yield dataclasses.replace(page, picture=None, reason=one_line(error)), []
    progress("read", 1, 1)


def _from_first_digit(pages: Iterator[PageDigits]) -> Iterator[PageDigits]:
    """All of the pages; raises UserFacingError, with the reasons, where there is no digit on any."""
    skipped: list[PageDigits] = []
    for page, digits in pages:
        if digits:
            return chain(skipped, [(page, digits)], pages)
        skipped.append((page, digits))
    skipped.sort(key=lambda one: not is_called_picture(one[0].name))
    reasons = [f"{page.title}: {page.reason}" for page, _ in skipped]
    if len(reasons) == 1:
        raise UserFacingError(f"Nothing was read. {reasons[0]}")
    more = [f"and {len(reasons) - SHOWN} more"] if len(reasons) > SHOWN else []
    raise UserFacingError("\n  ".join([f"Nothing was read of {len(reasons)} pages:", *reasons[:SHOWN], *more]))


def _read(pages: Iterator[PageDigits], reader: Reader, max_error: float | None, folder: Path) -> pd.DataFrame:
    """The readings of all pages, of which each has a picture in a folder."""
    import pandas as pd

    folder.mkdir()
    tables = []
    for number, (page, digits) in enumerate(pages, 1):
        if not digits or page.picture is None:
            tables.append(skipped_table(page))
            continue
        readings = reader.digits.read([digit.picture for digit in digits], max_error)
        tables.append(page_table(page, digits, readings))
        drawn = framed(page.picture, digits, readings, page.title, row_texts(tables[-1]))
        stem = re.sub(r"[^\w.-]+", "_", Path(page.name).stem)
        (folder / f"{number:03d}-{stem}.png").write_bytes(drawn)
    return pd.concat(tables, ignore_index=True)


def _count(table: pd.DataFrame, names: Sequence[str]) -> dict[str, float]:
    """The metrics of a reading: files, digits, those that are sure, and pages that were skipped."""
    digits = table.dropna(subset="digit")
    skipped = len(table) - len(digits)
    return {"pictures": len(names), "digits": len(digits), "sure": int(digits["sure"].sum()), "skipped": skipped}
