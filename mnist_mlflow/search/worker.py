"""A worker: a process that joins a study and tries until nothing is left to try."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import one_line
from mnist_mlflow.search.cores import pin_to_cores
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.runner import TrialRunner
from mnist_mlflow.search.spec import SearchSpec

MOST_TRIALS = 64  # of one process: TensorFlow keeps tens of megabytes of each network until its process ends


def work(
    spec: SearchSpec, dataset: Dataset | None = None, after_trial: Callable[[TrialQueue], None] = lambda queue: None
) -> bool:
    """Join the study of a search and try up to MOST_TRIALS trials; returns True if more may be left."""
    queue = TrialQueue(spec)
    runner = TrialRunner(queue, dataset or spec.load_dataset())
    for _ in range(MOST_TRIALS):
        trial = queue.next()
        if trial is None:
            return False
        runner.run(trial)
        after_trial(queue)
    return True


def work_in_process(result: Connection, spec: SearchSpec, number: int, of: int) -> None:
    """Work as process `number` of `of`; sends the result of `work`, or the message of the error that stopped it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, which decides
    signal.signal(signal.SIGTERM, _interrupt)
    logging.getLogger("mnist_mlflow").addHandler(logging.NullHandler())
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    pin_to_cores(number, of)
    try:
        result.send(work(spec))
    except KeyboardInterrupt:
        return
    except Exception as error:
        result.send(one_line(error))


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _end_with_supervisor() -> None:
    supervisor = multiprocessing.parent_process()
    if supervisor:
        supervisor.join()
        os._exit(1)
