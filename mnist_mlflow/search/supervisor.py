"""The supervisor of a search: tries in this process, or starts, replaces and ends workers."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait

from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.processes import process_here
from mnist_mlflow.search.cores import limited_threads
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.records import TrialRecord
from mnist_mlflow.search.spec import SearchSpec
from mnist_mlflow.search.worker import MOST_TRIALS, work, work_in_process

Report = Callable[[Sequence[TrialRecord]], None]

POLL = 1.0  # seconds between looks at the study and at the clock
CLOSING = 3.0  # seconds that a worker has to close its trial
MOST_FAILED_STARTS = 3  # in a row: processes that end before they have tried anything


def run_trials(spec: SearchSpec, dataset: Dataset, report: Report) -> None:
    """Try until enough trials have ended or the time is up; calls `report` with all trials from time to time."""
    if spec.task.search.workers == 1 and spec.n_trials and spec.n_trials <= MOST_TRIALS:
        while work(spec, dataset, lambda queue: report(queue.records())):
            pass  # repetitions may take more than MOST_TRIALS
    else:
        supervise(spec, report)


def supervise(spec: SearchSpec, report: Report) -> None:
    """Try in several processes, each with its share of the cores, and replace those that are lost.

    Raises UserFacingError when a worker fails, or several in a row end before they have tried anything.
    """
    queue = TrialQueue(spec)
    crew: list[Worker] = []
    try:
        for number in range(spec.task.search.workers):
            crew.append(Worker(spec, number))  # one by one: an interruption ends those that have started
        while crew and not spec.is_late():
            wait([worker.process.sentinel for worker in crew], POLL)
            for worker in [worker for worker in crew if not worker.process.is_alive()]:
                crew.remove(worker)
                crew += _successors(worker, queue)
            report(queue.records())
    finally:
        for worker in crew:
            worker.process.terminate()  # all at once: one that is left would begin what another has to leave
        for worker in crew:
            worker.end()
        queue.requeue_lost_trials()


class Worker:
    """A worker's process, seen from its supervisor; `failed_starts` counts those before it that tried nothing."""

    def __init__(self, spec: SearchSpec, number: int, failed_starts: int = 0) -> None:
        self.number, self.failed_starts = number, failed_starts
        context, workers = multiprocessing.get_context("spawn"), spec.task.search.workers
        self.result, end = context.Pipe(duplex=False)
        self.process = context.Process(target=work_in_process, args=(end, spec, number, workers), daemon=True)
        with limited_threads(workers):  # multiprocessing passes on this process's environment, and no other
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
        """The result that the process sent; None if it was killed."""
        try:
            return self.result.recv()  # type: ignore[no-any-return]
        except (EOFError, ConnectionError):
            return None


def _successors(worker: Worker, queue: TrialQueue) -> list[Worker]:
    """The worker that replaces one that was lost or has tried enough; none when nothing is left to try."""
    result = worker.receive()
    worker.end()
    match result:
        case False:
            return []
        case str():
            raise UserFacingError(result)
    identity = process_here(worker.process.pid or 0)
    has_tried = any(record.owner and identity.items() <= record.owner.items() for record in queue.records())
    failed_starts = 0 if has_tried else worker.failed_starts + 1
    if failed_starts == MOST_FAILED_STARTS:
        raise UserFacingError(f"{MOST_FAILED_STARTS} workers of the search ended before they could try anything.")
    return [Worker(queue.spec, worker.number, failed_starts)]
