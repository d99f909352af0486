"""Which process has something in hand, and whether it is still there."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any

Owner = Mapping[str, Any]  # what tells a process from all others: its host, its number, and when it was born

WAVER = 2  # seconds: by so much the kernel's own idea of when it was started wavers


def this_process() -> dict[str, Any]:
    """What tells this process from all others, those that had its number before included."""
    import psutil

    return {"host": socket.gethostname(), "pid": os.getpid(), "born": _born(psutil.Process())}


def _born(process: Any) -> float:
    """Seconds after the machine was started, which no setting of its clock changes."""
    import psutil

    return float(process.create_time() - psutil.boot_time())


def is_this_process(owner: Owner | None) -> bool:
    """Whether an owner is this process, or had its number before."""
    return bool(owner and owner["host"] == socket.gethostname() and owner["pid"] == os.getpid())


def is_gone(owner: Owner | None) -> bool:
    """Whether a process of this machine has ended; of another machine's, Optuna's heartbeat tells."""
    import psutil

    if not owner or owner["host"] != socket.gethostname():
        return False
    try:
        process = psutil.Process(owner["pid"])
        another = abs(_born(process) - owner["born"]) > WAVER
        return bool(another or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
