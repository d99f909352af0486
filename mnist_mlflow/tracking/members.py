"""Members of a configuration: the runs that differ in nothing but the seed."""

from __future__ import annotations

from collections.abc import Iterable

from mlflow.entities import Run

from mnist_mlflow.tracking.candidates import Candidate, Candidates, as_candidate, may_take_part, run_conditions
from mnist_mlflow.tracking.configurations import CONFIGURATION
from mnist_mlflow.tracking.queries import experiment_ids

MOST_MEMBERS = 100  # of a configuration, the oldest


class Members:
    """The candidates of each configuration, read once; the incumbent, a run, comes first.

    Where the candidates that were read are all there are, nothing is asked for. Else it is one query a configuration.
    """

    def __init__(self, candidates: Candidates, incumbent: str = "") -> None:
        self.client, self.query, self.incumbent = candidates.client, candidates.query, incumbent
        self.candidates = candidates
        self._members: dict[str, list[Candidate]] = {}  # by configuration

    def __call__(self, candidate: Candidate) -> list[Candidate]:
        """The members of a candidate's configuration, itself among them, the older first."""
        if candidate.configuration not in self._members:
            members = sorted(self._find(candidate), key=lambda one: one.end_time)
            self._members[candidate.configuration] = sorted(members, key=lambda one: one.run_id != self.incumbent)
        return self._members[candidate.configuration]

    def _find(self, candidate: Candidate) -> Iterable[Candidate]:
        if self.candidates.complete is not None:
            return [one for one in self.candidates.complete if one.configuration == candidate.configuration]
        # First what few runs meet: SQLite takes three times as long where it comes last.
        experiments = experiment_ids(self.client, self.query.experiment)
        conditions = [f"tags.{CONFIGURATION} = '{candidate.configuration}'", *run_conditions(self.query)]
        runs: Iterable[Run] = self.client.search_runs(
            experiments, " and ".join(conditions), max_results=MOST_MEMBERS, order_by=["start_time"]
        )
        members = [
            as_candidate(run, run.outputs.model_outputs[0].model_id)
            for run in runs
            if run.outputs and len(run.outputs.model_outputs) == 1 and run.info.run_id != candidate.run_id
        ]
        return [candidate, *(member for member in members if may_take_part(member, self.query))]
