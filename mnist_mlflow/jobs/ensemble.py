"""Let the finished models that do best together on the tuning slice vote, as a model of its own."""

from __future__ import annotations

import contextlib
import logging
import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mnist_mlflow.algorithms.base import TrainedModel, calibrate, engine
from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.evaluation.voting import choose_voters
from mnist_mlflow.jobs.recording import RunResult, TrainingRecord, record, record_data
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.features import IMAGES
from mnist_mlflow.model.scorers.vote import Vote, average
from mnist_mlflow.parameters import integer, parameters
from mnist_mlflow.protocol import ENSEMBLE, SplitOptions
from mnist_mlflow.reports.markdown import table
from mnist_mlflow.tracking.candidates import Candidate, Query, find_candidates
from mnist_mlflow.tracking.models import fetch_model
from mnist_mlflow.tracking.results import read_probabilities
from mnist_mlflow.tracking.runs import Run, open_run
from mnist_mlflow.tracking.store import store_uri
from mnist_mlflow.types import Labels, Probabilities, Progress

if TYPE_CHECKING:
    import pandas as pd

_logger = logging.getLogger(__name__)

ABOUT = "Finished models that vote. The tuning slice chose and weighted them, and ranks nobody.\n\n"
FEWEST = 2
PROBABILITY_TOLERANCE = 1e-3  # mean difference from the probabilities that were logged: machines differ a little


@parameters
class Params(SplitOptions):
    """Options of `ensemble`."""

    members: int = integer(8, 2, 100, "how many models vote at most")


@dataclass(frozen=True)
class Voter:
    """A finished model that may vote, and its probabilities of the tuning slice."""

    candidate: Candidate
    tuning: Probabilities


@dataclass(frozen=True)
class Member:
    """A voter that was chosen, with its model and its probabilities of the validation images."""

    candidate: Candidate
    weight: float
    model: DigitModel
    validation: Probabilities


def run(params: Params, progress: Progress) -> RunResult:
    """Let at most `members` comparable models of the store vote, in a run of its own.

    Raises UserFacingError when there are fewer than two that load.
    """
    settings: dict[str, object] = {"data": params.data, "split_seed": params.split_seed, "members": params.members}
    with open_run(ENSEMBLE, {"algorithm": ENSEMBLE, "role": "model"}) as run, tempfile.TemporaryDirectory() as folder:
        dataset = load_dataset(params.data, params.split_seed, progress=progress)
        validation = record_data(run, dataset, ABOUT)
        run.log_params(settings)
        voters = find_voters(run, dataset, params.split_seed, progress)
        started = time.perf_counter()
        members = choose_members(voters, dataset, params.members, Path(folder))
        vote = Vote([member.model for member in members], [member.weight for member in members])
        model, tuning = calibrate(vote, IMAGES, dataset.tuning.images, dataset.tuning.labels)
        trained = TrainedModel(model, tuning, engine("numpy"), time.perf_counter() - started)
        shares = contributions(members, dataset.validation.labels)
        note = {"mlflow.note.content": ABOUT + table(_cells(shares), shares.columns.tolist())}
        files = {"members.csv": shares.to_csv(index=False).encode()}
        training = TrainingRecord(ENSEMBLE, settings, trained, tags=note, files=files)
        return record(run, training, dataset, validation, progress)


def find_voters(run: Run, dataset: Dataset, split_seed: int, progress: Progress) -> list[Voter]:
    """The finished single models that were tuned on the same slice; raises UserFacingError for fewer than two."""
    candidates = find_candidates(run.client, Query(dataset.digest, dataset.split_digest))
    singles = [candidate for candidate in candidates if candidate.algorithm != ENSEMBLE]
    voters: list[Voter] = []
    for number, candidate in enumerate(singles, 1):
        with _passing_over(candidate):
            tuning = read_probabilities(candidate.artifacts, "tuning", dataset.tuning.labels)
            voters.append(Voter(candidate, tuning))
        progress("read what they made of the tuning slice", number, len(singles))
    if len(voters) < FEWEST:
        raise UserFacingError(
            f"An ensemble takes two finished models or more; there are {len(voters)} on {dataset.name} with "
            f"split_seed={split_seed} in {store_uri()}. Train some first: "
            f"mlflow run . --env-manager local -P data={dataset.name} -P split_seed={split_seed}"
        )
    return voters


def choose_members(voters: Sequence[Voter], dataset: Dataset, most: int, folder: Path) -> list[Member]:
    """The models whose vote on the tuning slice is best; raises UserFacingError when too few of them load."""
    while len(voters) >= FEWEST:
        weights = choose_voters(np.stack([voter.tuning for voter in voters]), dataset.tuning.labels, most)
        elected = [(voter, weight) for voter, weight in zip(voters, weights, strict=True) if weight]
        members: list[Member] = []
        for voter, weight in elected:
            with _passing_over(voter.candidate):
                members.append(_load(voter, float(weight), dataset, Path(tempfile.mkdtemp(dir=folder))))
        if len(members) == len(elected):
            if len(members) == 1:
                _logger.warning(
                    "%s votes alone: no other adds to it on the tuning slice.", members[0].candidate.algorithm
                )
            return members
        broken = {voter.candidate.run_id for voter, _ in elected} - {member.candidate.run_id for member in members}
        voters = [voter for voter in voters if voter.candidate.run_id not in broken]
    raise UserFacingError("An ensemble takes two models that load; there are fewer, see the warnings above.")


@contextlib.contextmanager
def _passing_over(candidate: Candidate) -> Iterator[None]:
    """Go on without a model that cannot be used: the others may be enough."""
    try:
        yield
    except UserFacingError as error:
        _logger.warning("Passed over %s of run %s: %s", candidate.algorithm, candidate.run_id, error)


def _load(voter: Voter, weight: float, dataset: Dataset, folder: Path) -> Member:
    """Load a model with the code of today; raises UserFacingError where that gives other answers than were logged."""
    candidate = voter.candidate
    uri = candidate.model_uri
    validation = read_probabilities(candidate.artifacts, "validation", dataset.validation.labels)
    files = fetch_model(uri, folder)
    try:
        model = DigitModel.load(files)
        answers = model.predict_proba(dataset.tuning.images)
    except Exception as error:
        # A model is a user's files, which may raise anything: this model cannot vote, the others may.
        raise UserFacingError(f"The model {uri} does not load: {one_line(error)}") from error
    if np.abs(answers - voter.tuning).mean() > PROBABILITY_TOLERANCE:
        raise UserFacingError(
            f"The model {uri} answers otherwise than when it was logged, by another version of this project."
        )
    return Member(candidate, weight, model, validation)


def _cells(frame: pd.DataFrame) -> list[list[str]]:
    rows = frame.itertuples(index=False)
    return [[cell if isinstance(cell, str) else f"{cell:g}" for cell in row] for row in rows]


def contributions(members: Sequence[Member], labels: Labels) -> pd.DataFrame:
    """A row for each member: its weight, its own accuracy, and that of the vote without it."""
    import pandas as pd

    votes = np.stack([member.validation for member in members])
    weights = np.array([member.weight for member in members])

    def accuracy(probabilities: Probabilities) -> float:
        return float((probabilities.argmax(axis=1) == labels).mean())

    together = accuracy(average(votes, weights))
    rows = []
    for index, (member, vote) in enumerate(zip(members, votes, strict=True)):
        others = np.where(np.arange(len(members)) == index, 0, weights)
        without = accuracy(average(votes, others)) if others.any() else math.nan
        about = {"algorithm": member.candidate.algorithm, "weight": member.weight, "run": member.candidate.run_id}
        rows.append(about | {"val_accuracy": accuracy(vote), "without it": without, "adds": together - without})
    return pd.DataFrame(rows)
