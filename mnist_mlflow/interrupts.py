"""Ctrl-C, as it arrives where `mlflow run` has started the program."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def one_interrupt() -> Iterator[None]:
    """Inside, Ctrl-C raises KeyboardInterrupt as always, but from then on SIGTERM is let pass.

    `mlflow run` is interrupted together with its child, sends the child SIGTERM at once, and waits for its end: without
    this nothing could be brought to an end after Ctrl-C. A second Ctrl-C is still heard.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    on_terminate = signal.getsignal(signal.SIGTERM)
    before = signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    except KeyboardInterrupt:
        on_terminate = _pass
        raise
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, on_terminate)


def _interrupt(number: int, frame: Any) -> None:
    signal.signal(signal.SIGTERM, _pass)
    raise KeyboardInterrupt


def _pass(number: int, frame: Any) -> None:
    """Not SIG_IGN: Python complains of signals that were on their way when they came to be ignored."""
