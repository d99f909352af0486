"""The loop of a search: in this process, or in several that are watched over from here.

Each worker learns from an end of a pipe whether it may go on; whoever's end falls silent is gone. A worker whose
supervisor is gone ends at once; a worker that is gone, or has tried enough, is replaced.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.processes import this_process
from mnist_mlflow.search.cores import keep_to_a_share_of_the_cores, threads_of_a_share
from mnist_mlflow.search.queue import FrozenTrial, Study, admit, release
from mnist_mlflow.search.runner import Job, Trier

Trials = Sequence[FrozenTrial]

POLL = 1.0  # seconds between looks at the clock: when the time is up, what is under way is broken off
CLOSING = 3.0  # seconds
MOST_TRIALS = 64  # of one process: TensorFlow keeps tens of megabytes of each network, until its process ends
MOST_UNTRIED = 3  # processes in a row that ended before they had tried anything


@dataclass(frozen=True)
class Data:
    """How to load the data set again, in another process."""

    name: str
    split_seed: int
    train_size: int

    def load(self) -> Dataset:
        """The data set."""
        return load_dataset(self.name, self.split_seed, self.train_size)


@dataclass(frozen=True)
class Gate:
    """Lets trials begin until so many have been tried (None: any number) or the time is up."""

    study: Study
    job: Job
    wanted: int | None

    def trials(self) -> Trials:
        """All trials so far."""
        found: Trials = self.study.get_trials(deepcopy=False)
        return found

    def opens(self, trials: Trials) -> bool:
        """Whether, after these trials, one more may begin; puts it up."""
        if self.job.is_late():
            return False
        defaults = vars(self.job.space.defaults)
        return admit(self.study, trials, self.wanted, defaults, this_process(), self.job.run)


def try_here(gate: Gate, dataset: Dataset, ended: Callable[[Trials], None]) -> None:
    """Try in this process; `ended` is called after each trial, with all trials so far."""
    trier, trials = Trier(gate.job, dataset), release(gate.study, gate.job.run)
    while gate.opens(trials):
        trier.try_next()
        trials = release(gate.study, gate.job.run)
        ended(trials)


class _Worker:
    """A process that tries, seen from the supervisor."""

    def __init__(self, job: Job, data: Data, number: int, of: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, end = context.Pipe()
        self.number = number
        self.tried = self.untried = 0  # `untried`: those before it that ended without having tried anything
        self.process = context.Process(target=_work, args=(end, job, data, number, of), daemon=True)
        with threads_of_a_share(of):
            self.process.start()
        end.close()

    def end(self) -> None:
        """Have the process close its trial and end; or end it, when it is deep in a library."""
        self.process.terminate()
        self.process.join(CLOSING)
        self.process.kill()
        self.process.join()
        self.pipe.close()


def try_in_processes(gate: Gate, data: Data, workers: int, ended: Callable[[Trials], None]) -> None:
    """Try in so many processes, each with its share of the cores; `ended` is called as in `try_here`.

    Raises UserFacingError when a worker cannot begin, or several in a row end before they have tried anything.
    """
    crew = [_Worker(gate.job, data, number, workers) for number in range(workers)]
    try:
        while crew and not gate.job.is_late():
            ready = wait([worker.pipe for worker in crew], POLL)
            for worker in [worker for worker in crew if worker.pipe in ready]:
                _answer(worker, gate, crew, lambda number: _Worker(gate.job, data, number, workers))
                ended(gate.trials())
    finally:
        for worker in crew:
            worker.end()
        release(gate.study, gate.job.run)


def _answer(worker: _Worker, gate: Gate, crew: list[_Worker], replace: Callable[[int], _Worker]) -> None:
    try:
        said, what = worker.pipe.recv()
    except (EOFError, ConnectionError):
        if not worker.tried and worker.untried + 1 == MOST_UNTRIED:
            raise UserFacingError(
                f"{MOST_UNTRIED} workers of the search ended before they could try anything."
            ) from None
        release(gate.study, gate.job.run)
        _replace(worker, crew, replace)
        return
    if said == "cannot":
        raise UserFacingError(what)
    if not gate.opens(gate.trials()):
        crew.remove(worker)
        worker.end()
    elif worker.tried < MOST_TRIALS:
        worker.tried += 1
        _let_in(worker)
    else:
        _replace(worker, crew, replace)


def _replace(worker: _Worker, crew: list[_Worker], replace: Callable[[int], _Worker]) -> None:
    crew.remove(worker)
    worker.end()
    successor = replace(worker.number)
    successor.untried = 0 if worker.tried else worker.untried + 1
    crew.append(successor)


def _let_in(worker: _Worker) -> None:
    """Tell a worker to try, and wait until it has begun: then the next one may be let in."""
    with contextlib.suppress(EOFError, ConnectionError):  # seen at the next turn
        worker.pipe.send("try")
        said, what = worker.pipe.recv()
        if said == "cannot":
            raise UserFacingError(what)


def _work(pipe: Connection, job: Job, data: Data, number: int, of: int) -> None:
    """What a worker does: ask, try, and ask again."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, which decides
    signal.signal(signal.SIGTERM, _interrupt)
    logging.getLogger("mnist_mlflow").addHandler(logging.NullHandler())
    keep_to_a_share_of_the_cores(number, of)
    inbox = _Inbox(pipe)
    try:
        trier = Trier(job, data.load(), begun=lambda: pipe.send(("begun", "")))
        while True:
            pipe.send(("ready", ""))
            inbox.wait()
            trier.try_next()
    except KeyboardInterrupt:
        return
    except Exception as error:
        pipe.send(("cannot", one_line(error)))


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


class _Inbox:
    """Waits for the supervisor's word; ends this process at once when there is no supervisor any more."""

    def __init__(self, pipe: Connection) -> None:
        self.words = threading.Semaphore(0)
        threading.Thread(target=self._listen, args=(pipe,), daemon=True).start()

    def wait(self) -> None:
        """Wait until told to go on."""
        self.words.acquire()

    def _listen(self, pipe: Connection) -> None:
        try:
            while pipe.recv():
                self.words.release()
        except (EOFError, OSError):
            os._exit(1)
