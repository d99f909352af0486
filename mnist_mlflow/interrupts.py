"""Ctrl-C in a program that `mlflow run` has started."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def one_interrupt() -> Iterator[None]:
    """Ignore SIGTERM after the first Ctrl-C, which raises KeyboardInterrupt as always.

    Ctrl-C reaches `mlflow run` together with its child. `mlflow run` then sends the child SIGTERM at once, which would
    keep it from finishing its work. A second Ctrl-C still interrupts.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    terminate_handler = signal.getsignal(signal.SIGTERM)
    interrupt_handler = signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    except KeyboardInterrupt:
        terminate_handler = _ignore
        raise
    finally:
        signal.signal(signal.SIGINT, interrupt_handler)
        signal.signal(signal.SIGTERM, terminate_handler)


def _interrupt(number: int, frame: Any) -> None:
    signal.signal(signal.SIGTERM, _ignore)
    raise KeyboardInterrupt


def _ignore(number: int, frame: Any) -> None:
    """Do nothing. SIG_IGN does not do: Python reports signals that were pending when it was set."""
