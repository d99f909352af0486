"""The loop of a search: in this process, or in several that are restarted, ended and watched from here."""

from __future__ import annotations

import multiprocessing
import socket
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait

from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.search.cores import threads_of_a_share
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.records import TrialRecord
from mnist_mlflow.search.spec import SearchSpec
from mnist_mlflow.search.worker import MOST_TRIALS, work, work_in_process

Report = Callable[[Sequence[TrialRecord]], None]

POLL = 1.0  # seconds between looks at the study and at the clock
CLOSING = 3.0  # seconds that a worker has to close its trial
MOST_UNTRIED = 3  # processes in a row that end before they have tried anything


def run_trials(spec: SearchSpec, dataset: Dataset, report: Report) -> None:
    """Try until as many as wanted are tried or the time is up; `report` is called with all trials as they end."""
    if spec.workers == 1 and spec.wanted and spec.wanted <= MOST_TRIALS:
        while work(spec, dataset, lambda queue: report(queue.records())):
            pass  # trials that are repeated come on top
    else:
        supervise(spec, report)


def supervise(spec: SearchSpec, report: Report) -> None:
    """Try in several processes, each with its share of the cores; those that are lost are replaced.

    Raises UserFacingError when a worker cannot work, or several in a row end before they have tried anything.
    """
    queue = TrialQueue(spec)
    crew = [Worker(spec, number) for number in range(spec.workers)]
    try:
        while crew and not spec.is_late():
            wait([worker.process.sentinel for worker in crew], POLL)
            for worker in [worker for worker in crew if not worker.process.is_alive()]:
                crew.remove(worker)
                crew += _successors(worker, queue)
            report(queue.records())
    finally:
        for worker in crew:
            worker.end()
        queue.requeue_lost_trials()


class Worker:
    """A process that works, seen from its supervisor; `untried` counts predecessors in a row that tried nothing."""

    def __init__(self, spec: SearchSpec, number: int, untried: int = 0) -> None:
        self.number, self.untried = number, untried
        context = multiprocessing.get_context("spawn")
        self.result, end = context.Pipe(duplex=False)
        self.process = context.Process(target=work_in_process, args=(end, spec, number, spec.workers), daemon=True)
        with threads_of_a_share(spec.workers):  # multiprocessing hands on this process's environment, and no other
            self.process.start()
        end.close()

    def end(self) -> None:
        """Have the process close its trial and end; kill it where it is deep in a library."""
        self.process.terminate()
        self.process.join(CLOSING)
        self.process.kill()
        self.process.join()
        self.result.close()

    def receive(self) -> bool | str | None:
        """The result that an ended process has sent; None from one that was killed."""
        try:
            return self.result.recv()  # type: ignore[no-any-return]
        except (EOFError, ConnectionError):
            return None


def _successors(worker: Worker, queue: TrialQueue) -> list[Worker]:
    """A new worker in the place of one that was lost or has tried enough; none when nothing is left to try."""
    result = worker.receive()
    worker.end()
    match result:
        case False:
            return []
        case str():
            raise UserFacingError(result)
    untried = 0 if _has_tried(worker, queue.records()) else worker.untried + 1
    if untried == MOST_UNTRIED:
        raise UserFacingError(f"{MOST_UNTRIED} workers of the search ended before they could try anything.")
    return [Worker(queue.spec, worker.number, untried)]


def _has_tried(worker: Worker, records: Sequence[TrialRecord]) -> bool:
    owner = {"host": socket.gethostname(), "pid": worker.process.pid}
    return any(record.owner and owner.items() <= record.owner.items() for record in records)
