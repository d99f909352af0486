"""Workers: commands of this program that run side by side, as processes of this machine or on a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

CLOSING = 3.0  # seconds that a worker has to close its trial
ERROR = "Error: "  # with which the command line begins its last words
SIGNALLED = 128  # a shell adds it to the number of the signal that ended a process; so do our commands


class Shown(Enum):
    """The part of a command's output that reaches the terminal of its starter."""

    TERMINAL = "all, as if it was typed there, with progress bars and Ctrl-C"
    LINES = "all, line by line, each behind its label"
    ERRORS = "what it prints on stderr, line by line, each behind its label"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Command:
    """A command of this program: `python -m mnist_mlflow` with arguments, and variables beside those of the starter.

    What is secret travels in the variables: everybody on a machine can read arguments.
    """

    arguments: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    shown: Shown = Shown.TERMINAL


@dataclass(frozen=True)
class Ending:
    """The end of the command with a number: its exit status, and the line of its errors that says why.

    The status is None for a command whose machine is gone. Like one that a signal ended it is lost.
    """

    number: int
    status: int | None
    error: str = ""

    @property
    def is_lost(self) -> bool:
        """True for a command that did not end by itself."""
        return self.status is None or not 0 <= self.status <= SIGNALLED


@dataclass
class Reason:
    """The line that says why a command ended: the one with `Error:`, else the last that is not blank."""

    line: str = ""

    def read(self, line: str) -> None:
        """Take note of one more line of its errors."""
        if line.strip() and not self.line.startswith(ERROR):
            self.line = line.strip()

    def __str__(self) -> str:
        return self.line.removeprefix(ERROR)


def without_label(line: str, label: str) -> str:
    """The line for behind its label, without a first word that says the same."""
    rest = line.removeprefix(f"{label} ")
    return line if rest == line else rest.lstrip()


class Workers(Protocol):
    """A place where commands run at the same time. One thread uses it; `end` belongs into a `finally`."""

    def slots(self) -> int:
        """The number of commands that may run at the same time, now: a cluster grows and shrinks."""

    def start(self, command: Command) -> int:
        """Start a command, and return its number; raises UserFacingError where none can be started.

        It ends with its starter, even where that is killed.
        """

    def wait(self, seconds: float) -> Sequence[Ending]:
        """The endings since the last call, as soon as there is one; empty after so many seconds without."""

    def end(self, patience: float | None = None) -> None:
        """Have all commands close what they have begun (SIGTERM), and wait until they have ended.

        Those that need more than `patience` seconds are killed; None waits for as long as they need.
        """
