"""The identity of processes, which own runs and trials; the cores that they may use, and their user."""

from __future__ import annotations

import getpass
import json
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROGRAM = "mnist_mlflow"  # in the names of folders
LAUNCHER = "MNIST_MLFLOW_LAUNCHER"  # the variable that tells a process who waits for it

Owner = Mapping[str, Any]  # the identity of a process: its machine, its number, and its start

WATCH = 1.0  # seconds between two looks at another process
LAST = 60  # seconds that a process has to close what it has begun, once the one that waits for it is gone
LARGEST_NUMBER = 2**31 - 1  # of a process
TOLERANCE = 2  # seconds by which the kernel's record of a process's start varies
INITIAL = "pid:[4026531836]"  # the namespace of process numbers outside of all containers; the number is Linux's


def count_cores() -> int:
    """The cores that this process may use: no more than its affinity and the quota of its container allow."""
    import joblib

    return int(joblib.cpu_count())


def this_process() -> dict[str, Any]:
    """The identity of this process, which differs from that of an earlier process with the same number."""
    import psutil

    return {**process_here(os.getpid()), "born": _start_time(psutil.Process())}


def process_here(pid: int) -> dict[str, Any]:
    """The identity, without its start, of the process with a number, as this machine and container count."""
    return {**_machine(), "pid": pid}


def _machine() -> dict[str, str]:
    """The machine: containers on it differ in `pids`, its starts in `boot`; `installation` outlasts both."""
    if not Path("/proc/self").exists():  # a system without containers, as far as we know
        return {"host": socket.gethostname(), "boot": "any", "pids": "all", "installation": ""}
    return {
        "host": socket.gethostname(),
        "boot": _content("/proc/sys/kernel/random/boot_id"),
        "pids": _link("/proc/self/ns/pid"),
        "installation": _content("/etc/machine-id"),
    }


def _content(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""


def _start_time(process: Any) -> float:
    """Seconds from the machine's start to the process's, which no setting of the clock changes."""
    import psutil

    return float(process.create_time() - psutil.boot_time())


def read_owner(text: str | None) -> Owner | None:
    """The owner that a run's tag names; None for a tag that is not of this project."""
    try:
        return as_owner(json.loads(text or "null"))
    except (ValueError, RecursionError):
        return None


def as_owner(value: Any) -> Owner | None:
    """The value if it is the identity of a process; None for anything else that somebody may have written."""
    if not isinstance(value, dict) or not value.keys() >= {"host", "pid", "born"}:
        return None
    is_number = isinstance(value["pid"], int) and 0 < value["pid"] <= LARGEST_NUMBER
    return value if is_number and isinstance(value["born"], float) else None


def is_this_process(owner: Owner | None) -> bool:
    """True if an owner is this process, or an earlier one with its number."""
    return owner is not None and is_here(owner) and owner["pid"] == os.getpid()


def is_gone(owner: Owner | None) -> bool:
    """True if it is certain that a process has ended; where nothing is certain, Optuna's heartbeat decides.

    Certain are processes of this start of this machine and of this container, and those of its earlier starts.
    """
    if not owner:
        return False
    return _has_ended(owner) if is_here(owner) else _has_restarted_since(owner)


def is_here(owner: Owner) -> bool:
    """True if a process has its number from the same start of the same machine, in the same container."""
    here = _machine()
    return all(here[key] and owner.get(key) == here[key] for key in ("host", "boot", "pids"))


def _has_restarted_since(owner: Owner) -> bool:
    """True if this very machine was started again; a container tells nothing of the machine around it."""
    here = _machine()
    same = all(here[key] and owner.get(key) == here[key] for key in ("host", "installation", "pids"))
    return bool(same and here["pids"] == INITIAL and owner.get("boot") and here["boot"])


def _has_ended(owner: Owner) -> bool:
    import psutil

    try:
        process = psutil.Process(owner["pid"])
        is_another = abs(_start_time(process) - owner["born"]) > TOLERANCE
        return bool(is_another or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def end_with_launcher() -> None:
    """Send this process SIGTERM as soon as the process that started it as a worker is gone.

    The system ends one that has not ended a minute later, whatever it waits for.
    """
    if not (launcher := read_owner(os.environ.get(LAUNCHER))):
        return

    def watch() -> None:
        while not is_gone(launcher):
            time.sleep(WATCH)
        if hasattr(signal, "alarm"):
            signal.alarm(LAST)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def variables_now() -> dict[str, str]:
    """The variables of this process, one at a time: threads of other libraries, as MLflow's, remove some meanwhile."""
    return {name: value for name in list(os.environ) if (value := os.environ.get(name)) is not None}


def complete_environment() -> None:
    """Give a user without a home or a name both for the libraries: MLflow cannot be imported otherwise."""
    try:
        Path.home()
    except RuntimeError:
        home = temporary_folder()
        home.mkdir(mode=0o700, exist_ok=True)
        os.environ["HOME"] = str(home)
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = user_name()


def temporary_folder() -> Path:
    """The user's folder among the temporary files, which may not be there."""
    return Path(tempfile.gettempdir()) / f"{PROGRAM}-{user_name()}"


def user_name() -> str:
    """A name for the user, unlike that of others on this machine."""
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
