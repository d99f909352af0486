"""A worker: a process that tries trials of a study until enough have ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

import optuna

from mnist_mlflow.data import Dataset
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.runner import run_trial

MOST_TRIALS = 64  # of one process: TensorFlow keeps tens of megabytes of each network until its process ends
PAUSE = 3.0  # seconds between looks at a study whose last trials others try


def work(queue: TrialQueue, dataset: Dataset, after_look: Callable[[], None] = lambda: None) -> bool:
    """Try up to MOST_TRIALS trials; returns True if more may be left. Calls `after_look` from time to time.

    Where others try the last ones it waits for their ends: what they lose is tried here.
    """
    for _ in range(MOST_TRIALS):
        trial = _next(queue, after_look)
        if trial is None:
            return False
        run_trial(trial, queue, dataset)
        after_look()
    return True


def _next(queue: TrialQueue, after_look: Callable[[], None]) -> optuna.Trial | None:
    while not (trial := queue.next()) and not queue.is_over():
        time.sleep(PAUSE)
        after_look()
    return trial


def go_on_afresh() -> None:
    """Start the command of this process once more, in the same process where that is possible.

    It keeps its number, so that its supervisor notices nothing. The memory of its libraries is free again.
    """
    command = [sys.executable, *sys.orig_argv[1:]]
    if os.name == "nt":  # where `exec` starts another process, and ends this one
        sys.exit(subprocess.call(command))
    os.execv(sys.executable, command)
