"""Members of an ensemble: the finished models that may vote, those that are chosen, and those that are named."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.evaluation.voting import choose_voters
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.protocol import ENSEMBLE, Names
from mnist_mlflow.tracking.candidates import Candidate, Candidates, Query, as_candidate
from mnist_mlflow.tracking.models import fetch_model, has_model
from mnist_mlflow.tracking.named import find_run
from mnist_mlflow.tracking.results import read_probabilities
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.tracking.store import Client, store_uri
from mnist_mlflow.types import Probabilities, Progress

_logger = logging.getLogger(__name__)

FEWEST = 2
PROBABILITY_TOLERANCE = 1e-3  # mean difference from the probabilities that were logged: machines differ a little


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


def find_voters(run: Run, dataset: Dataset, split_seed: int, experiment: str, progress: Progress) -> list[Voter]:
    """The finished single models of an experiment (empty: of all) that were tuned on the same slice.

    Raises UserFacingError for fewer than two.
    """
    candidates = Candidates(run.client, Query(dataset.digest, dataset.split_digest, experiment=experiment))
    singles = [candidate for candidate in candidates if candidate.algorithm != ENSEMBLE]
    voters: list[Voter] = []
    for number, candidate in enumerate(singles, 1):
        with _passing_over(candidate):
            tuning = read_probabilities(candidate.artifacts, "tuning", dataset.tuning.labels)
            voters.append(Voter(candidate, tuning))
        progress("read what they made of the tuning slice", number, len(singles))
    if len(voters) < FEWEST:
        place = f"the experiment {experiment} of {store_uri()}" if experiment else store_uri()
        train = Names(experiment=experiment).command("main", {"data": dataset.address, "split_seed": split_seed})
        raise UserFacingError(
            f"An ensemble takes two finished models or more; there are {len(voters)} on {dataset.name} with "
            f"split_seed={split_seed} in {place}. Train some first: {train}"
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


def parse_voters(text: str) -> dict[str, float]:
    """The weights of voters by the ids of their runs; inverse of `typed_voters`."""
    return {name: float(weight) for name, weight in (voter.split("=") for voter in text.split(","))}


def typed_voters(weights: Mapping[str, float]) -> str:
    """The weights of voters by the ids of their runs, as they are typed, exactly."""
    return ",".join(f"{run_id}={weight!r}" for run_id, weight in weights.items())


def check_voters(client: Client, run_ids: Iterable[str]) -> list[Candidate]:
    """The runs of voters that were named, whatever their role; raises UserFacingError for one without a model."""
    voters = []
    for run_id in run_ids:
        stored = find_run(client, run_id)
        models = stored.outputs.model_outputs
        if not models or not has_model(client, models[0].model_id):
            raise UserFacingError(f"Run {run_id} cannot vote: its model is gone. To make it again: deep=1")
        voters.append(as_candidate(stored, models[0].model_id))
    return voters


def load_members(
    candidates: Sequence[Candidate], weights: Mapping[str, float], dataset: Dataset, folder: Path
) -> list[Member]:
    """The models of these runs, each with its weight; raises UserFacingError for one that cannot vote."""
    members = []
    for candidate, (run_id, weight) in zip(candidates, weights.items(), strict=True):
        try:
            voter = Voter(candidate, read_probabilities(candidate.artifacts, "tuning", dataset.tuning.labels))
            members.append(_load(voter, weight, dataset, Path(tempfile.mkdtemp(dir=folder))))
        except UserFacingError as error:
            raise UserFacingError(f"The {candidate.algorithm} of run {run_id} cannot vote: {error}") from error
    return members


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
    return Member(candidate, weight, replace(model, abstention=None), validation)  # the vote has its own
