"""Let the finished models that do best together on the tuning slice vote, as a model of its own.

Members are weighted there too, and its run says what each adds.

    mlflow run . -e ensemble --env-manager local
"""

from __future__ import annotations

import logging
import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mnist_mlflow.algorithms.abstention import with_abstention
from mnist_mlflow.algorithms.base import TrainedModel, calibrate, engine
from mnist_mlflow.algorithms.task import name_of
from mnist_mlflow.data import load_dataset
from mnist_mlflow.jobs.members import Member, check_voters, choose_members, find_voters, load_members, parse_voters
from mnist_mlflow.jobs.recording import RunResult, TrainingRecord, record, record_data
from mnist_mlflow.model.features import IMAGES
from mnist_mlflow.model.scorers.vote import Vote, average
from mnist_mlflow.parameters import integer, parameters, text
from mnist_mlflow.protocol import ENSEMBLE, ExperimentOptions, SplitOptions, SureOptions, changed, command
from mnist_mlflow.reports.markdown import table
from mnist_mlflow.tracking.datasets import ADDED, MEMBERS_ADDED
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.queries import place_beside
from mnist_mlflow.tracking.store import connect
from mnist_mlflow.types import Labels, Probabilities, Progress

if TYPE_CHECKING:
    import pandas as pd

_logger = logging.getLogger(__name__)

ABOUT = "Finished models that vote. The tuning slice chose and weighted them, and ranks nobody.\n\n"
ELECTED = "elected"
NUMBER = r"\d+(?:\.\d+)?(?:e-?\d+)?"
VOTERS = rf"{ELECTED}|\w+={NUMBER}(?:,\w+={NUMBER})*"


@parameters
class Params(ExperimentOptions, SureOptions, SplitOptions):
    """Options of `ensemble`."""

    members: int = integer(8, 2, 100, "how many models vote at most")
    voters: str = text(ELECTED, VOTERS, f"{ELECTED}, or RUN=WEIGHT,RUN=WEIGHT", "the models that vote, by their runs")


def run(params: Params, progress: Progress) -> RunResult:
    """Let the `voters` vote, or at most `members` comparable models of the store, in a run of its own.

    Raises UserFacingError when there are fewer than two that load, or when a voter that was named does not.
    """
    settings: dict[str, object] = {"data": params.data, "split_seed": params.split_seed, "members": params.members}
    settings |= {"max_error": params.max_error} | changed(params)
    weights = {} if params.voters == ELECTED else parse_voters(params.voters)
    client = connect()
    named, place = check_voters(client, weights), place_beside(client, params.experiment)
    tags = {"algorithm": ENSEMBLE, "role": "model", "command": command(ENSEMBLE, changed(params))}
    dataset = load_dataset(params.data, params.split_seed, progress=progress)
    with (
        open_run(ENSEMBLE, tags, place, client, name=_name(params, weights)) as run,
        tempfile.TemporaryDirectory() as folder,
    ):
        validation = record_data(run, dataset, ABOUT)
        run.log_params(settings)
        if not named:
            voters = find_voters(run, dataset, params.split_seed, params.experiment, progress)
            started = time.perf_counter()
            members = choose_members(voters, dataset, params.members, Path(folder))
        else:
            started = time.perf_counter()
            members = load_members(named, weights, dataset, Path(folder))
        vote = Vote([member.model for member in members], [member.weight for member in members])
        model, tuning = calibrate(vote, IMAGES, dataset.tuning.images, dataset.tuning.labels)
        trained = TrainedModel(model, tuning, engine("numpy"), time.perf_counter() - started)
        trained = with_abstention(trained, dataset.train, dataset.tuning, params.max_error)
        shares = contributions(members, dataset.validation.labels)
        for shortcoming in shortcomings(shares):
            _logger.warning("%s", shortcoming)
        note = {"mlflow.note.content": ABOUT + table(_cells(shares), shares.columns.tolist())}
        files = {"members.csv": shares.to_csv(index=False).encode()}
        training = TrainingRecord(ENSEMBLE, settings, trained, tags=note, files=files, model_tags=_added(members))
        return record(run, training, dataset, validation, progress)


def _name(params: Params, weights: Mapping[str, float]) -> str:
    """The name of its run: what differs from the defaults, with no more of the voters than tells them apart."""
    voters = {"voters": ",".join(run[:8] for run in weights)} if weights else {}
    return name_of(ENSEMBLE, changed(params) | voters)


def _added(members: Sequence[Member]) -> dict[str, str]:
    """The tag that tells what members learned from beside the data set, which an examination has to know."""
    digests = {member.candidate.tags[ADDED] for member in members if ADDED in member.candidate.tags}
    return {MEMBERS_ADDED: ",".join(sorted(digests))} if digests else {}


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


def shortcomings(shares: pd.DataFrame) -> Iterator[str]:
    """The sentences that say where a vote is not worth its members, by the `contributions` of several."""
    members = {f"{one['algorithm']} {one['run'][:8]}": one for one in shares.to_dict("records")}
    best, accuracy = max(((name, one["val_accuracy"]) for name, one in members.items()), key=lambda pair: pair[1])
    together = members[best]["without it"] + members[best]["adds"]
    if together <= accuracy:
        yield (
            f"The vote is no better than its best member: {100 * together:.2f} % of the validation images are read "
            f"right, by {best} alone {100 * accuracy:.2f} %."
        )
    if useless := [name for name, one in members.items() if one["adds"] <= 0]:
        yield f"{len(useless)} of {len(members)} members add nothing on the validation images: {', '.join(useless)}."
