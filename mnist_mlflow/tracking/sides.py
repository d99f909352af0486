"""Sides of a comparison, with all that their runs have recorded."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from mlflow.entities import Run

from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.evaluation.disagreement import Answers
from mnist_mlflow.tracking.origins import Difference, Origin, differences, lost_kinds, read_origin
from mnist_mlflow.tracking.results import check_accuracy, read_file, read_kept
from mnist_mlflow.types import Labels, Probabilities

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = {"trial", "tuning_log_loss", "tuning_accuracy"}  # columns of a table of trials


@dataclass(frozen=True, eq=False)
class Side:
    """A column of a comparison: a run, or several that differ in nothing but the seed; `run_id` names it.

    The rest is empty until it is read. `gone` says what could not be read, and why.
    """

    run_id: str
    runs: tuple[Run, ...]
    origins: tuple[Origin, ...] = ()
    answers: Answers | None = None  # on the validation images
    trials: pd.DataFrame | None = None  # of a search
    gone: tuple[str, ...] = ()

    @property
    def algorithm(self) -> str:
        """The algorithm, or `ensemble`."""
        return " ".join(self.runs[0].data.tags.get("algorithm", "?").split())

    @property
    def label(self) -> str:
        """The name of the side: algorithm, beginning of the id, and how many seeds there are."""
        seeds = f" ({len(self.runs)} seeds)" if len(self.runs) > 1 else ""
        return f"{self.algorithm} {self.run_id[:8]}{seeds}"

    @property
    def images(self) -> tuple[str, str]:
        """The digests of the data set and of its split; sides are scored on the same images where both agree."""
        tags = self.runs[0].data.tags
        return tags.get("dataset_digest", ""), tags.get("split_digest", "")

    @property
    def is_search(self) -> bool:
        """True if it searched for hyperparameters."""
        return "study" in self.runs[0].data.tags

    def metric(self, name: str) -> list[float]:
        """A metric of each run that has it."""
        return [run.data.metrics[name] for run in self.runs if name in run.data.metrics]


def read_side(side: Side) -> Side:
    """A side with all that its runs have recorded, as far as that can be read."""
    origins = tuple(read_origin(run) for run in side.runs)
    gone = [f"{side.label}: nothing is recorded of its {kind}." for kind in lost_kinds(origins)]
    answers = _read_answers(side, gone)
    trials = _read_trials(side, gone) if side.is_search else None
    return dataclasses.replace(side, origins=origins, answers=answers, trials=trials, gone=tuple(gone))


def _read_answers(side: Side, gone: list[str]) -> Answers | None:
    """The answers of the seeds that have kept them; adds to `gone` what cannot be read."""
    labels, stored = None, []
    for run in side.runs:
        try:
            labels, probabilities = _read_probabilities(run, labels)
            stored.append(probabilities)
        except UserFacingError as error:
            gone.append(f"{side.label}: which images run {run.info.run_id[:8]} reads right is unknown: {error}.")
    return None if labels is None else Answers(labels, np.stack(stored))


def _read_probabilities(run: Run, expected: Labels | None) -> tuple[Labels, Probabilities]:
    """The labels and probabilities that a run has kept; raises UserFacingError where they contradict other records."""
    labels, probabilities, _ = read_kept(run.info.artifact_uri, "validation")
    if expected is not None and not np.array_equal(labels, expected):
        raise UserFacingError("its probabilities are about other images")
    check_accuracy((probabilities.argmax(axis=1) == labels).mean(), run.data.metrics)
    return labels, probabilities


def _read_trials(side: Side, gone: list[str]) -> pd.DataFrame | None:
    try:
        return _as_trials(read_file(side.runs[0].info.artifact_uri, "search/trials.csv"))
    except (UserFacingError, ValueError) as error:
        gone.append(f"{side.label}: its trials are unknown: {one_line(error)}.")
        return None


def _as_trials(content: bytes) -> pd.DataFrame:
    """The trials in a table; raises UserFacingError or ValueError for another file."""
    import pandas as pd

    trials = pd.read_csv(io.BytesIO(content))
    if not {*trials.select_dtypes("number")} >= NUMBERS or "state" not in trials:
        raise UserFacingError("its search/trials.csv is no table of trials")
    return trials


def side_differences(sides: Sequence[Side]) -> Iterator[Difference]:
    """The facts that sides do not share; what the seeds of a side do not share is listed with commas."""
    for difference in differences([origin for side in sides for origin in side.origins]):
        each = iter(difference.values)
        values = tuple(", ".join(dict.fromkeys(islice(each, len(side.origins)))) for side in sides)
        if len(set(values)) > 1:
            yield dataclasses.replace(difference, values=values)
