"""Runs that are to be made again, with all that it takes; and the reasons why a run cannot be."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mnist_mlflow.algorithms.base import tolerance_of
from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.data.mnist import folders
from mnist_mlflow.errors import DataError, UsageError, UserFacingError
from mnist_mlflow.protocol import ENSEMBLE, REGISTERED_MODEL, parse_command, split_address
from mnist_mlflow.tracking.candidates import PARTIAL, REPRODUCES
from mnist_mlflow.tracking.datasets import address_of
from mnist_mlflow.tracking.named import find_run
from mnist_mlflow.tracking.origins import Origin, read_origin
from mnist_mlflow.tracking.results import read_file, read_kept
from mnist_mlflow.tracking.store import Client
from mnist_mlflow.types import Labels, Probabilities, Progress

SHOWN = 5  # labels that differ
# Said otherwise: what was found, a study of its own, one process, the voters, where the new run goes.
NOT_TYPED = ("data", "study", "workers", "experiment")
NO_MODELS = ("evaluation", "report", "comparison", "reading")
# By role: what such a run is, the tags of which one names the run to make again, and what stands for that without them.
OTHERS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "trial": ("is a trial. Make its search again", ("mlflow.parentRunId",), "ID of its search"),
    "reproduction": ("made another one again. Type", (REPRODUCES,), "ID of that one"),
    "seeds": ("holds a run for each seed. Make one of them again", ("seed_runs",), "ID of one"),
    "reuse": ("trained nothing. Type", ("reuses",), "ID of the run that it found"),
    "selection": ("chose among models. Make its winner again", ("champion_run_id", "challenger_run_id"), "champion"),
}


@dataclass(frozen=True)
class Original:
    """A finished run of training: its command, the validation labels (n,) and its probabilities (n, 10) of them.

    `weights` are those of an ensemble's members, by the ids of their runs. `tolerance` says how far probabilities may
    move: that of the algorithm, of an ensemble the largest of its members'.
    """

    origin: Origin
    entry_point: str
    typed: Mapping[str, str]
    labels: Labels
    probabilities: Probabilities
    tolerance: float
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        """The options to train it again with, but for the voters of an ensemble."""
        typed = {name: value for name, value in self.typed.items() if name not in NOT_TYPED}
        return {"data": recorded_data(self.origin)} | typed

    @property
    def searches(self) -> bool:
        """True where hyperparameters were searched."""
        return not {"trials", "timeout"}.isdisjoint(self.typed)

    @property
    def is_ensemble(self) -> bool:
        """True for a vote of models."""
        return self.entry_point == ENSEMBLE


def read_original(client: Client, name: str, registered_model: str = REGISTERED_MODEL) -> Original:
    """The run of a name, or of an alias of a registered model.

    Raises UserFacingError, with the reason and the remedy, if it cannot be made again.
    """
    origin = read_origin(find_run(client, name, registered_model))
    check_kind(origin)
    entry_point, settings = parse_command(origin.tags["command"])
    artifacts = str(origin.run.info.artifact_uri)
    try:
        labels, probabilities, _ = read_kept(artifacts, "validation")
        members = _read_members(artifacts) if entry_point == ENSEMBLE else {}
    except UserFacingError as error:
        reason = str(error).rstrip(".")
        raise UserFacingError(
            f"Run {origin.run_id} cannot be compared with another one: {reason}. Its artifacts belong in {artifacts}"
        ) from error
    algorithms = {algorithm for algorithm, _ in members.values()} or {entry_point}
    weights = {run_id: weight for run_id, (_, weight) in members.items()}
    return Original(origin, entry_point, settings, labels, probabilities, max(map(tolerance_of, algorithms)), weights)


def check_kind(origin: Origin) -> None:
    """Raise UserFacingError for a run that is not a finished one of training."""
    tags, status = origin.tags, str(origin.run.info.status)
    about = f"Run {origin.run_id} cannot be made again:"
    if status in ("RUNNING", "SCHEDULED"):
        closing = "python -m mnist_mlflow doctor --fix 1"
        raise UserFacingError(f"{about} it is still running. Wait for its end; if its process is gone: {closing}")
    if reason := _other_role(tags):
        raise UsageError(f"{about} {reason}")
    if PARTIAL in tags or status != "FINISHED":
        reason, command = tags.get("failure", "no reason is recorded"), tags.get("command", "")
        again = f" Train again: {command}" if command else ""
        raise UserFacingError(f"{about} it is {status} ({reason}). Only a finished run has a result to meet.{again}")
    if not tags.get("command"):
        raise UserFacingError(f"{about} it has lost its tag `command`. Set it to the command that made it.")


def _other_role(tags: Mapping[str, str]) -> str:
    """Why a run of another role cannot be made again, and what can; empty for one that trained."""
    role = tags.get("role", "")
    if role == "model" or (role == "reproduction" and "command" in tags):
        return ""
    if role in OTHERS:
        what, names, otherwise = OTHERS[role]
        run_ids = next(filter(None, (tags.get(name) for name in names)), otherwise)
        return f"it {what}: run={run_ids.split(',')[0]}"
    reason = "it trained nothing" if role in NO_MODELS else f"its role is {role or 'missing'}"
    return f"{reason}. Name a run that trained a model."


def _read_members(artifacts: str) -> dict[str, tuple[str, float]]:
    """The algorithm and the weight of each member of an ensemble, by its run; raises UserFacingError for no table."""
    rows = csv.DictReader(io.StringIO(read_file(artifacts, "members.csv").decode(errors="replace")))
    try:
        return {row["run"]: (row["algorithm"], float(row["weight"])) for row in rows}
    except (KeyError, TypeError, ValueError) as error:
        raise UserFacingError("its members.csv is damaged") from error


def recorded_data(origin: Origin) -> str:
    """The address of the data set that a run learned from: what was found, else what was typed."""
    return address_of(origin.tags) or origin.run.data.params.get("data", "auto")


def load_recorded(original: Original, progress: Progress) -> Dataset:
    """The data set that a run learned from; raises DataError where it is not here, or another one is.

    The digest decides, which counts all images and labels. How they are split is a matter of the code.
    """
    tags, params, name = original.origin.tags, original.origin.run.data.params, recorded_data(original.origin)
    if not tags.get("dataset_digest"):
        raise DataError(
            f"Run {original.origin.run_id} has lost its tag dataset_digest: nothing tells whether the data set {name} "
            "here is the one that it learned from. Set it to the digest that other runs on that data set have"
        )
    try:
        dataset = load_dataset(name, int(params.get("split_seed", 0)), int(params.get("train_size", 0)), progress)
    except UserFacingError as error:
        places = "" if split_address(name)[1] else f" It is looked for in {', '.join(map(str, folders()))}."
        raise DataError(f"The data set {name} is not here: {error}{places}") from error
    different = [key for key in ("dataset_digest", "added_digest") if dataset.digests.get(key) != tags.get(key)]
    if different:
        here, there = (digests.get(different[0], "none")[:8] for digests in (dataset.digests, tags))
        raise DataError(
            f"The data set {name} here is not the one that run {original.origin.run_id} learned from (digest {here} "
            f"instead of {there}): {differing_labels(original.labels, dataset)}. Bring that one here, then try again"
        )
    return dataset


def differing_labels(recorded: Labels, dataset: Dataset) -> str:
    """The validation labels (n,) of a run that are others in a data set, in words."""
    here = dataset.validation.labels
    if len(here) != len(recorded):
        return f"it has {len(here):,} validation images instead of {len(recorded):,}"
    rows = np.flatnonzero(here != recorded)
    if not len(rows):
        return "its validation labels are the same, so that images or other labels differ"
    first = ", ".join(f"image {row}: {here[row]} instead of {recorded[row]}" for row in rows[:SHOWN])
    more = ", …" if len(rows) > SHOWN else ""
    return f"{len(rows):,} of {len(here):,} validation labels differ ({first}{more})"
