"""Which process has something in hand, and whether it is still there."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any

Owner = Mapping[str, Any]  # what tells a process from all others: its host, its number, and when it was born


def this_process() -> dict[str, Any]:
    """What tells this process from all others, those that had its number before included."""
    import psutil

    return {"host": socket.gethostname(), "pid": os.getpid(), "born": psutil.Process().create_time()}


def is_gone(owner: Owner | None) -> bool:
    """Whether a process of this machine has ended; of another machine's, Optuna's heartbeat tells."""
    import psutil

    if not owner or owner["host"] != socket.gethostname():
        return False
    try:
        process = psutil.Process(owner["pid"])
        return bool(process.create_time() != owner["born"] or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
