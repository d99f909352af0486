"""Commands in forks of a process that has imported everything: to start Python would take most of the time."""

import atexit
import ctypes
import importlib
import os
import pickle
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

DEADLINE = 120.0  # seconds for a command that nobody kills
GONE = 15.0  # seconds after which a process whose command has ended is an orphan
PR_SET_PDEATHSIG = 1  # of prctl
SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class HangError(AssertionError):
    """A command does not end."""


def fork(act: Callable[[], object], folder: Path) -> int:
    """Have a new process, the leader of a session of its own, act; what it prints goes to a file in the folder."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        _begin(folder)
        status = _act(act)
        atexit._run_exitfuncs()
        sys.stdout.flush()
    finally:
        os._exit(status)


def end_with_parent() -> None:
    """Have the kernel kill this process as soon as its parent has ended, so that a soak that is broken off ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _begin(folder: Path) -> None:
    os.setsid()
    end_with_parent()
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    log = os.open(folder / "printed.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    sys.stdout, sys.stderr = (open(stream, "w", encoding="utf-8", closefd=False) for stream in (1, 2))  # noqa: SIM115
    tempfile.tempdir = None  # read TMPDIR again


def _act(act: Callable[[], object]) -> int:
    try:
        act()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def wait(pid: int, seconds: float) -> int | None:
    """The exit status of a child, negative for a signal; None if it has not ended in time."""
    handle = os.pidfd_open(pid)
    try:
        ended, _, _ = select.select([handle], [], [], max(0.0, seconds))
    finally:
        os.close(handle)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) if ended else None


def wait_for_end(pid: int, seconds: float = DEADLINE) -> int:
    """The exit status of a child; kills one that hangs, and raises HangError."""
    status = wait(pid, seconds)
    if status is None:
        end_session(pid)
        os.waitpid(pid, 0)
        raise HangError(f"did not end within {seconds:.0f} seconds")
    return status


def ask(question: Callable[[], Any], folder: Path) -> Any:
    """The answer of a fork, so that nothing of it stays in this process; raises AssertionError with its words."""
    path = folder / "answer.pickle"

    def answer() -> None:
        try:
            content: Any = (True, question())
        except AssertionError as error:
            content = (False, str(error))
        path.write_bytes(pickle.dumps(content))

    path.unlink(missing_ok=True)
    if wait_for_end(fork(answer, folder)) or not path.exists():
        raise AssertionError((folder / "printed.txt").read_text(encoding="utf-8", errors="replace")[-3_000:])
    good, content = pickle.loads(path.read_bytes())
    if not good:
        raise AssertionError(content)
    return content


def session(leader: int) -> list[int]:
    """The living processes of a session, its leader among them."""
    return [pid for pid in psutil.pids() if _lives_in(pid, leader)]


def _lives_in(pid: int, leader: int) -> bool:
    try:
        return os.getsid(pid) == leader and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def orphans_of(leader: int) -> int:
    """How many processes of a command stay behind after its end; they are killed."""
    end = time.monotonic() + GONE
    while session(leader):
        if time.monotonic() > end:
            return end_session(leader)
        time.sleep(0.02)
    return 0


def end_session(leader: int) -> int:
    """Kill the processes of a session; returns how many there were."""
    pids = session(leader)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(pids)


def import_all(names: Iterable[str]) -> None:
    """Import the modules that a fork had imported."""
    for name in names:
        if name not in sys.modules:
            with suppress(Exception):
                importlib.import_module(name)
