"""Trials of a study in the store: a child run for each, in the run that tried it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mnist_mlflow.processes import is_gone, read_owner
from mnist_mlflow.search.objectives import goals
from mnist_mlflow.search.pruning import WHOLE
from mnist_mlflow.search.records import TrialRecord
from mnist_mlflow.search.spec import SearchSpec
from mnist_mlflow.tracking.runs import Run, close_for
from mnist_mlflow.tracking.trials import Trial, Trials, run_exists, running_searches


class TrialRuns:
    """Writes the trials of a search, and those that other searches of its study left unwritten."""

    def __init__(self, run: Run, spec: SearchSpec, tags: Mapping[str, str]) -> None:
        self.run, self.spec, self.tags = run, spec, tags
        self.read_again()

    def read_again(self) -> None:
        """Read which trials of this search the store has."""
        self.own = Trials(self.run, self.tags)

    def write(self, records: Sequence[TrialRecord]) -> None:
        """Write the trials of this search."""
        self._write_into(self.own, records)

    def write_killed(self, records: Sequence[TrialRecord]) -> None:
        """Write the trials of other searches that lost some, on another machine perhaps."""
        self._write_for({record.run_id for record in records if record.was_killed}, records)

    def close_other_searches(self, records: Sequence[TrialRecord]) -> None:
        """Write the trials of all searches that ended, and close the searches that were killed."""
        running = running_searches(self.run.client, self.spec.study)
        gone = {run_id for run_id, owner in running.items() if is_gone(read_owner(owner))}
        self._write_for({record.run_id for record in records} - running.keys() | gone, records)
        self.write_killed(records)
        for run_id in gone:
            close_for(Run(self.run.client, run_id), f"its process was killed; run {self.run.id} goes on with the study")

    def _write_for(self, runs: set[str], records: Sequence[TrialRecord]) -> None:
        for run_id in runs - {self.run.id}:
            if run_exists(self.run.client, run_id):  # another machine's may be in another store
                self._write_into(Trials(Run(self.run.client, run_id), self.tags), records)

    def _write_into(self, runs: Trials, records: Sequence[TrialRecord]) -> None:
        for record in records:
            if record.has_ended and record.run_id == runs.parent.id and runs.lacks(record.number):
                runs.write(as_trial(record, self.spec))


def as_trial(record: TrialRecord, spec: SearchSpec) -> Trial:
    """A trial as tracking writes it."""
    rungs = record.rungs
    if rungs and record.is_complete:  # one that was pruned has the value of its last rung
        rungs = [*rungs, (WHOLE, record.values[0])]
    return Trial(
        record.number,
        record.start_ms,
        record.end_ms,
        state=record.state,
        params=vars(spec.space.complete(record.params)),
        metrics={**record.metrics, "seconds": record.seconds or 0.0},
        curves={f"stage_{goals(spec.objective)[0]}": rungs} if rungs else {},
        failure=record.failure,
    )
