"""The identity of processes: the owner of a run or a trial, and a check that it still runs."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Owner = Mapping[str, Any]  # the identity of a process: its machine, its number, and its start

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


def is_this_process(owner: Owner | None) -> bool:
    """True if an owner is this process, or an earlier one with its number."""
    return owner is not None and _is_here(owner) and owner["pid"] == os.getpid()


def is_gone(owner: Owner | None) -> bool:
    """True if it is certain that a process has ended; where nothing is certain, Optuna's heartbeat decides.

    Certain are processes of this start of this machine and of this container, and those of its earlier starts.
    """
    if not owner:
        return False
    return _has_ended(owner) if _is_here(owner) else _has_restarted_since(owner)


def _is_here(owner: Owner) -> bool:
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
