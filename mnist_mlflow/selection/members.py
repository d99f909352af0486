"""Members of a configuration: the runs that differ in nothing but the seed, and the one of them to promote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import mlflow

from mnist_mlflow.tracking.candidates import Candidate, Query, find_members
from mnist_mlflow.tracking.queries import experiment_ids


class Members:
    """The candidates of each configuration that a query finds, read once; the incumbent, a run, comes first."""

    def __init__(self, client: mlflow.MlflowClient, query: Query, incumbent: str = "") -> None:
        self.client, self.query, self.incumbent = client, query, incumbent
        self.experiments = experiment_ids(client, query.experiment)
        self._members: dict[str, list[Candidate]] = {}  # by configuration

    def __call__(self, candidate: Candidate) -> list[Candidate]:
        """The members of a candidate's configuration, itself among them, the older first."""
        if candidate.configuration not in self._members:
            members = find_members(self.client, self.experiments, self.query, candidate)
            self._members[candidate.configuration] = sorted(members, key=lambda one: one.run_id != self.incumbent)
        return self._members[candidate.configuration]


def different_seeds(members: Iterable[Candidate]) -> list[Candidate]:
    """The first member of each seed: one that was trained twice counts once."""
    by_seed: dict[str, Candidate] = {}
    for member in members:
        by_seed.setdefault(member.params.get("seed", member.run_id), member)
    return list(by_seed.values())


def median_member(members: Sequence[Candidate]) -> Candidate:
    """The first member whose log loss on the validation images is the median; of an even number, the greater one."""
    losses = sorted(member.metrics["val_log_loss"] for member in members)
    return next(member for member in members if member.metrics["val_log_loss"] == losses[len(losses) // 2])
