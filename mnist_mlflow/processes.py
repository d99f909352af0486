"""The identity of processes: the owner of a run or a trial, and a check that it still runs."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any

Owner = Mapping[str, Any]  # the identity of a process: its host, its number, and its start

WATCH = 1.0  # seconds between two looks at another process
TOLERANCE = 2  # seconds by which the kernel's record of a process's start varies


def this_process() -> dict[str, Any]:
    """The identity of this process, which differs from that of an earlier process with the same number."""
    import psutil

    return {"host": socket.gethostname(), "pid": os.getpid(), "born": _start_time(psutil.Process())}


def _start_time(process: Any) -> float:
    """Seconds from the machine's start to the process's, which no setting of the clock changes."""
    import psutil

    return float(process.create_time() - psutil.boot_time())


def read_owner(text: str | None) -> Owner | None:
    """The owner that a run's tag names; None for a tag that is not of this project."""
    try:
        owner = json.loads(text or "null")
    except ValueError:
        return None
    return owner if isinstance(owner, dict) and owner.keys() >= {"host", "pid", "born"} else None


def is_this_process(owner: Owner | None) -> bool:
    """True if an owner is this process, or an earlier one with its number."""
    return bool(owner and owner["host"] == socket.gethostname() and owner["pid"] == os.getpid())


def is_gone(owner: Owner | None) -> bool:
    """True if a process of this machine has ended; False for other machines, where Optuna's heartbeat decides."""
    import psutil

    if not owner or owner["host"] != socket.gethostname():
        return False
    try:
        process = psutil.Process(owner["pid"])
        is_another = abs(_start_time(process) - owner["born"]) > TOLERANCE
        return bool(is_another or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def end_with(owner: Owner) -> None:
    """Send this process SIGTERM as soon as another one, which waits for it, is gone."""

    def watch() -> None:
        while not is_gone(owner):
            time.sleep(WATCH)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
