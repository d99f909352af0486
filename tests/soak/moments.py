"""Random moments: a share of a command's time, or one of its writes."""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from tests.soak.forks import ask, import_all

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
STATEMENTS = ("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER")
LATEST = 0.98  # of a command: later it has ended
SIGNALS = {signal.SIGKILL: 7, signal.SIGTERM: 1, signal.SIGINT: 1, signal.SIGHUP: 1}


@dataclass(frozen=True)
class Moment:
    """A signal, and when it comes: at a share of a command's seconds, or of its writes."""

    number: signal.Signals
    share: float
    at_a_write: bool

    @classmethod
    def draw(cls, rng: random.Random) -> "Moment":
        (number,) = rng.choices(list(SIGNALS), list(SIGNALS.values()))
        return cls(number, rng.uniform(0, LATEST), rng.random() < 0.5)

    def __str__(self) -> str:
        return f"{self.number.name} at {self.share:.4f} of the {'writes' if self.at_a_write else 'time'}"


class Writes:
    """Counts what this process changes in files and databases, and acts at one of the changes."""

    def __init__(self, number: int = -1, act: Callable[[], None] = lambda: None) -> None:
        self.number, self.act, self.count = number, act, 0

    def watch(self) -> None:
        """Count from now on, to the end of the process."""
        sys.addaudithook(self._hear)
        for side in ("before", "after"):
            event.listen(Engine, f"{side}_cursor_execute", self._execute)

    def _hear(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name in CHANGES or (name == "open" and arguments[2] & WRITING):
            self._add()

    def _execute(self, connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.lstrip().startswith(STATEMENTS):
            self._add()

    def _add(self) -> None:
        self.count += 1
        if self.count == self.number:
            self.act()


@dataclass(frozen=True)
class Rehearsal:
    """The seconds and the writes of a command that nobody kills, and the modules that it had to import."""

    seconds: float
    writes: int
    imported: int


def rehearse(act: Callable[[], object], folder: Path) -> Rehearsal:
    """Let a fork run a command, and import here what it had to import, so that the next need not."""

    def measure() -> tuple[float, int, list[str]]:
        writes, started = Writes(), time.perf_counter()
        writes.watch()
        act()
        return time.perf_counter() - started, writes.count, sorted(sys.modules)

    seconds, writes, modules = ask(measure, folder)
    new = [name for name in modules if name not in sys.modules]
    import_all(new)
    return Rehearsal(seconds, writes, len(new))


def strike_at(write: int, number: signal.Signals, mark: Path) -> None:
    """Send this process a signal at one of its writes, and leave a mark that says so."""

    def strike() -> None:
        mark.touch()
        os.kill(os.getpid(), number)

    Writes(write, strike).watch()
