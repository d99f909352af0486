"""Signals that end a program, and Ctrl-C in one that `mlflow run` has started."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def stop_on_signals() -> None:
    """Let the first Ctrl-C, SIGTERM or SIGHUP raise, and ignore SIGTERM and SIGHUP from then on.

    The program closes its run, which a further signal would keep it from; a second Ctrl-C still interrupts. Signals
    that are ignored from the start, as after `nohup`, stay so.
    """
    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def stop_reason(error: BaseException) -> str:
    """The reason why a program stopped, empty unless a signal or Ctrl-C stopped it."""
    if isinstance(error, (KeyboardInterrupt, GeneratorExit)):  # the latter, where a signal met the closing itself
        return "interrupted by Ctrl-C"
    if isinstance(error, SystemExit):
        names = {128 + number: number.name for number in ENDING}
        return f"interrupted by {names.get(error.code, 'the program')}"
    return ""


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
    _ignore_further()
    raise KeyboardInterrupt


def _stop(number: int, frame: Any) -> None:
    _ignore_further()
    raise SystemExit(128 + number)


def _ignore_further() -> None:
    for number in ENDING:
        signal.signal(number, _ignore)


def _ignore(number: int, frame: Any) -> None:
    """Do nothing. SIG_IGN does not do: Python reports signals that were pending when it was set."""
