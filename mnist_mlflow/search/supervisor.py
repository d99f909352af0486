"""The supervisor of a search: tries in this process, or starts, replaces and ends workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.records import TrialRecord, counted_trials
from mnist_mlflow.search.studies import HEARTBEAT
from mnist_mlflow.search.worker import work
from mnist_mlflow.search.workers import CLOSING, Command, Ending, Shown, Workers

Report = Callable[[Sequence[TrialRecord]], None]

POLL = 1.0  # seconds between looks at the study and at the clock
MOST_FAILED_STARTS = 3  # in a row: workers that end before anything is tried


def run_trials(queue: TrialQueue, dataset: Dataset, workers: Workers | None, report: Report) -> None:
    """Try until enough trials have ended or the time is up; without workers in this process.

    Calls `report` with all trials from time to time.
    """
    if workers:
        supervise(queue, workers, report)
    else:
        while work(queue, dataset, lambda: report(queue.records())):
            pass  # repetitions may take more than one process otherwise tries


def supervise(queue: TrialQueue, workers: Workers, report: Report) -> None:
    """Have workers try, replace those that are lost, and give up trials whose process is silent.

    Raises UserFacingError when a worker fails, or several in a row end before anything is tried.
    """
    crew, looked, records = _Crew(queue, workers), time.monotonic(), queue.records()
    try:
        while not queue.is_over(records) and not crew.has_done:
            crew.fill(records)
            endings = workers.wait(POLL)
            if time.monotonic() > looked + HEARTBEAT:
                looked, records = time.monotonic(), queue.requeue_lost_trials()
            else:
                records = queue.records()
            crew.take(endings, records)
            report(records)
    finally:
        workers.end(CLOSING)
        queue.requeue_lost_trials()


@dataclass
class _Crew:
    """The workers of a search; `at_loss` are the trials that had begun when the last one was lost."""

    queue: TrialQueue
    workers: Workers
    running: int = 0
    is_done: bool = False
    at_loss: int = 0
    failed_starts: int = 0

    def fill(self, records: Sequence[TrialRecord]) -> None:
        """Start a worker in each free slot, as long as there are more trials than workers."""
        spec = self.queue.spec
        left = spec.n_trials - len(counted_trials(records)) if spec.n_trials else self.workers.slots()
        variables = {"OPTUNA_STORAGE": spec.storage, "MLFLOW_RUN_ID": ""}  # the run is the supervisor's to close
        arguments = ("join", f"--study={spec.study}", f"--run={spec.run_id}")
        while not self.is_done and self.running < min(left, self.workers.slots()):
            self.workers.start(Command(arguments, variables, "worker", Shown.NOTHING))
            self.running += 1

    @property
    def has_done(self) -> bool:
        """True if no worker runs and none is to be started."""
        return self.is_done and not self.running

    def take(self, endings: Sequence[Ending], records: Sequence[TrialRecord]) -> None:
        """Count the workers that have ended; raises UserFacingError where others would end alike."""
        claims = sum(record.owner is not None for record in records)
        for ending in endings:
            self.running -= 1
            if not ending.is_lost and ending.status:
                raise UserFacingError(ending.error or f"A worker of the search ended with status {ending.status}.")
            self.is_done |= ending.status == 0
            if ending.is_lost:
                self.failed_starts = self.failed_starts + 1 if claims == self.at_loss else 0
                self.at_loss = claims
        if self.failed_starts == MOST_FAILED_STARTS:
            raise UserFacingError(f"{MOST_FAILED_STARTS} workers of the search ended before they could try anything.")
