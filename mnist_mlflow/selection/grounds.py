"""The grounds of a decision: what it rests on, and what of that has changed since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection.entry import Entry
from mnist_mlflow.selection.evidence import Evidence
from mnist_mlflow.selection.members import seed_of
from mnist_mlflow.selection.pool import is_clearly_worse, over_budget
from mnist_mlflow.tracking.aliases import State
from mnist_mlflow.tracking.candidates import Candidate, Candidates, Query, candidates_of
from mnist_mlflow.tracking.members import Members
from mnist_mlflow.tracking.models import has_model
from mnist_mlflow.tracking.store import Client


@dataclass(frozen=True)
class Grounds:
    """The aliases, the query with the images, the rule and the runs that a decision rests on.

    `figures` has val_accuracy and val_log_loss of each run that was compared image by image. `considered` are all runs
    that were looked at. `seeds` are those of the winner's configuration. The best makes at most `most_mistakes`, in
    whichever seed: a run that is clearly worse takes no part. Nor does one below the `floor` of accuracy.
    """

    state: State
    query: Query
    rule: Rule
    figures: Mapping[str, tuple[float, float]]
    considered: Sequence[str]
    seeds: Sequence[str]
    most_mistakes: int
    floor: float

    def changes(
        self, client: Client, state: State, winner: Entry | None, dataset: Dataset, evidence: Evidence
    ) -> Iterator[str]:
        """The changes since, in words; `winner` is as its run is now, None where that is gone."""
        yield from state.differences(self.state)
        if (dataset.digest, dataset.split_digest) != (self.query.dataset_digest, self.query.split_digest):
            yield f"the data set {dataset.name} is another one here, or is split otherwise"
            return
        yield from self._changed_runs(client)
        yield from self._newcomers(client, len(dataset.validation))
        if winner:
            yield from self._new_seeds(client, winner.candidate)
            yield from _changed_model(client, winner.candidate, evidence)

    def _changed_runs(self, client: Client) -> Iterator[str]:
        now = {candidate.run_id: figures_of(candidate) for candidate in candidates_of(client, self.figures, self.query)}
        for run_id, before in self.figures.items():
            if run_id not in now:
                yield f"run {run_id} is gone, hidden from this account, or left out by the filters now"
            elif now[run_id] != tuple(before):
                yield f"run {run_id} had the val_accuracy and val_log_loss {before}, and has {now[run_id]}"

    def _newcomers(self, client: Client, images: int) -> Iterator[str]:
        """The runs that would take part now and were not there."""
        for candidate in Candidates(client, self.query):
            accuracy = candidate.metrics["val_accuracy"]
            if accuracy <= self.floor or is_clearly_worse(candidate, images, self.most_mistakes):
                return
            if candidate.run_id not in self.considered and not over_budget(candidate, self.rule):
                yield f"{candidate.algorithm}, run {candidate.run_id}, would take part now: val_accuracy {accuracy:.4f}"

    def _new_seeds(self, client: Client, winner: Candidate) -> Iterator[str]:
        members = Members(Candidates(client, self.query))(winner) if winner.configuration else []
        for member in members:
            if (seed := seed_of(member)) not in self.seeds and member.run_id not in self.considered:
                yield f"the configuration of the winner has another seed now, {seed}: run {member.run_id}"


def figures_of(candidate: Candidate) -> tuple[float, float]:
    """The accuracy and the log loss on the validation images that a run has logged."""
    return candidate.metrics["val_accuracy"], candidate.metrics["val_log_loss"]


def _changed_model(client: Client, winner: Candidate, evidence: Evidence) -> Iterator[str]:
    """The reason why the winner's model, or what it read, is not what it was."""
    if not has_model(client, winner.model_id):  # one that is deleted may still load
        yield f"the model of the winner, run {winner.run_id}, is deleted"
        return
    try:
        evidence.check(Entry(winner, evidence.stored(winner)))
    except UserFacingError as error:
        yield f"the winner, run {winner.run_id}: {error}"
