"""A command of this program on a node of a Ray cluster, in a worker process of Ray."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mnist_mlflow.processes import LAUNCHER, this_process, variables_now
from mnist_mlflow.search.cores import THREADS
from mnist_mlflow.search.machine import MOMENT
from mnist_mlflow.search.workers import Command, Reason, Shown

POLL = 0.1  # seconds between looks at the process: Ray cancels between two lines of Python, not within a call
FOLDER = Path(__file__).resolve().parents[2]  # from which `-m mnist_mlflow` finds this code, installed or not

Tell = Callable[[str, str], None]  # takes a stream, `out` or `err`, and a line


@dataclass(frozen=True)
class Done:
    """The exit status of a command, and the line of its errors that says why."""

    status: int
    error: str


def node_name() -> str:
    """The name of this node, by which people know it."""
    return socket.gethostname()


def run_command(command: Command, patience: float, tell: Tell | None) -> Done:
    """Run a command to its end, and tell the lines that are to be shown.

    When Ray cancels the task, the process has so many seconds to close what it has begun. Then it is killed.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "mnist_mlflow", *command.arguments],
        env={**variables_now(), **variables_here(), **command.variables},
        cwd=FOLDER,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if command.shown in (Shown.TERMINAL, Shown.LINES) else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        encoding="locale",
        errors="replace",
    )
    reason, readers = Reason(), []
    try:
        readers += [_reader(process.stdout, "out", tell), _reader(process.stderr, "err", tell, reason)]
        _wait(process)
    except KeyboardInterrupt:  # as Ray cancels
        process.terminate()
        _wait(process, patience)
    finally:
        process.kill()
    status = process.wait()
    for reader in readers:
        reader.join(MOMENT)
    return Done(status, str(reason))


def variables_here() -> Mapping[str, str]:
    """The variables of a command that are this node's: its one core, and the process that it ends with."""
    return {**dict.fromkeys(THREADS, "1"), LAUNCHER: json.dumps(this_process())}


def _wait(process: subprocess.Popen[str], seconds: float = float("inf")) -> None:
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        time.sleep(POLL)


def _reader(pipe: IO[str] | None, stream: str, tell: Tell | None, reason: Reason | None = None) -> threading.Thread:
    def read() -> None:
        with pipe or contextlib.nullcontext(()) as lines:
            for line in lines:
                if reason:
                    reason.read(line)
                if tell:
                    tell(stream, line)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread
