"""Workers as processes of this machine, each with its share of the cores or with all of them."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TextIO

from mnist_mlflow.data.databases import file_of, with_file
from mnist_mlflow.processes import LAUNCHER, this_process, variables_now
from mnist_mlflow.search.cores import PATIENT, pin_to_cores, share_of_threads
from mnist_mlflow.search.workers import Command, Ending, Reason, Shown, without_label

NARROWEST = 40  # columns of text
MOMENT = 1.0  # seconds for the last lines of a process that has ended: one that it left behind may keep the pipe


@dataclass
class Processes:
    """So many processes at the same time, by a Python in a folder (None: this one), with variables for all of them.

    Each has its share of the cores. Without `shares` all use all of them, each with as many threads as it has alone.
    """

    count: int = 1
    python: str = sys.executable
    folder: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    shares: bool = True

    def __post_init__(self) -> None:
        self._running: dict[int, _Process] = {}
        self._ended: queue.SimpleQueue[Ending] = queue.SimpleQueue()
        self._started = 0
        self.pids: set[int] = set()  # of all that were started

    def slots(self) -> int:
        """The number that was asked for."""
        return self.count

    def start(self, command: Command) -> int:
        """Start a process in the first free slot."""
        taken = {process.slot for process in self._running.values()}
        slot = next(slot for slot in range(self.count) if slot not in taken)
        self._started += 1
        process = _Process(self._started, slot, command, self._open(command))
        if self.shares and self.count > 1:
            pin_to_cores(slot, self.count, process.popen.pid)
        self._running[process.number] = process
        self.pids.add(process.popen.pid)
        threading.Thread(target=process.watch, args=(self._ended,), daemon=True).start()
        return process.number

    @property
    def _variables(self) -> dict[str, str]:
        """The variables of all processes; several do not slow each other down."""
        threads = share_of_threads(self.count) if self.shares else PATIENT
        return {**_studies(), **(threads if self.count > 1 else {}), **self.variables}

    def _open(self, command: Command) -> subprocess.Popen[str]:
        has_terminal, has_lines = command.shown is Shown.TERMINAL, command.shown is Shown.LINES
        launcher = {LAUNCHER: json.dumps(this_process())}
        return subprocess.Popen(
            [self.python, "-m", "mnist_mlflow", *command.arguments],
            env={**variables_now(), **self._variables, **_room_for(command), **launcher, **command.variables},
            cwd=self.folder,
            stdout=None if has_terminal else subprocess.PIPE if has_lines else subprocess.DEVNULL,
            stderr=None if has_terminal else subprocess.PIPE,
            start_new_session=not has_terminal,  # Ctrl-C is for its starter, which decides
            encoding="locale",
            errors="replace",
        )

    def wait(self, seconds: float) -> Sequence[Ending]:
        """The endings since the last call."""
        endings = []
        with contextlib.suppress(queue.Empty):
            endings.append(self._ended.get(timeout=seconds))
            while True:
                endings.append(self._ended.get_nowait())
        for ending in endings:
            del self._running[ending.number]
        return endings

    def end(self, patience: float | None = None) -> None:
        """End all processes, asked at the same time: one that is left would begin what another has to leave."""
        processes, began = [process.popen for process in self._running.values()], time.monotonic()
        for process in processes:
            process.terminate()
        for process in processes:
            left = None if patience is None else max(0.0, patience - (time.monotonic() - began))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(left)
            process.kill()
            process.wait()
        while self._running:
            self.wait(MOMENT)


@dataclass
class _Process:
    """A process in a slot."""

    number: int
    slot: int
    command: Command
    popen: subprocess.Popen[str]
    reason: Reason = field(default_factory=Reason)

    def watch(self, endings: queue.SimpleQueue[Ending]) -> None:
        """Pass its lines on, and report its end."""
        pipes = ((self.popen.stdout, sys.stdout), (self.popen.stderr, sys.stderr))
        readers = [threading.Thread(target=self._read, args=pair, daemon=True) for pair in pipes if pair[0]]
        for reader in readers:
            reader.start()
        status = self.popen.wait()
        for reader in readers:
            reader.join(MOMENT)
        endings.put(Ending(self.number, status, str(self.reason)))

    def _read(self, pipe: IO[str], terminal: TextIO) -> None:
        label = self.command.label
        with pipe:
            for line in pipe:
                if pipe is self.popen.stderr:
                    self.reason.read(line)
                if self.command.shown is not Shown.NOTHING:
                    print(f"{label}: {without_label(line.rstrip(), label)}", file=terminal, flush=True)


def _room_for(command: Command) -> dict[str, str]:
    """COLUMNS with the width that the lines of a command have behind their label, on a terminal."""
    if not command.label or not (sys.stdout.isatty() or os.environ.get("COLUMNS")):
        return {}
    return {"COLUMNS": str(max(NARROWEST, shutil.get_terminal_size().columns - len(command.label) - 2))}


def _studies() -> dict[str, str]:
    """OPTUNA_STORAGE with an absolute path: a process in another folder cannot know where its address was typed."""
    address = os.environ.get("OPTUNA_STORAGE", "")
    path = file_of(address)
    return {"OPTUNA_STORAGE": with_file(address, path)} if path else {}
