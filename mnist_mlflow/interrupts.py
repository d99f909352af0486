"""Signals that end a program, and Ctrl-C in one that `mlflow run` has started.

A signal that meets a transaction of a database waits for its end, ten seconds at most. One that breaks off
may keep its lock until the process ends, so that nothing can close the run. In a finalizer Python drops what a signal
raises: the signal is sent again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
CODES: dict[Any, signal.Signals] = {128 + number: number for number in ENDING}  # by exit status
PATIENCE = 10.0  # seconds that a signal waits for a transaction
MOMENT = 0.05  # seconds, after which a finalizer is over

_transactions: set[int] = set()  # those of the main thread, in which Python handles signals
_waiting: list[int] = []  # the signal that waits for their end
_ended: list[int] = []  # the signal that ends this program, other than Ctrl-C


def stop_on_signals() -> None:
    """Let the first Ctrl-C, SIGTERM or SIGHUP raise, and ignore SIGTERM and SIGHUP from then on.

    The program closes its run, which a further signal would keep it from; a second Ctrl-C still interrupts. Signals
    that are ignored from the start, as after `nohup`, stay so.
    """
    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)
    sys.unraisablehook = _hear_again


def stop_reason(error: BaseException) -> str:
    """The reason why a program stopped, empty unless a signal or Ctrl-C stopped it."""
    if isinstance(error, (KeyboardInterrupt, GeneratorExit)):  # the latter, where a signal met the closing itself
        return "interrupted by Ctrl-C"
    if isinstance(error, SystemExit):
        number = CODES.get(error.code)
        return f"interrupted by {number.name if number else 'the program'}"
    return ""


@contextlib.contextmanager
def one_interrupt() -> Iterator[None]:
    """Ignore SIGTERM after the first signal, which raises as always.

    Ctrl-C reaches `mlflow run` together with its child. `mlflow run` then sends the child SIGTERM at once, which would
    keep it from finishing its work. A second Ctrl-C still interrupts.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    terminate_handler = signal.getsignal(signal.SIGTERM)
    interrupt_handler = signal.signal(signal.SIGINT, _stop)
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        terminate_handler = _ignore
        raise
    finally:
        signal.signal(signal.SIGINT, interrupt_handler)
        signal.signal(signal.SIGTERM, terminate_handler)


@contextlib.contextmanager
def same_handlers() -> Iterator[None]:
    """Put the handlers of signals back at the end: the program is somebody else's."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, *ENDING)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if handler is not None:  # one that is not Python's cannot be set, nor was it
                signal.signal(number, handler)


def has_to_end() -> bool:
    """True once SIGTERM or SIGHUP ends this program, which nothing should hold up from then on."""
    return bool(_ended)


def begin_transaction(number: int) -> None:
    """Let signals wait until the transaction with a number, of the main thread, has ended."""
    if threading.current_thread() is threading.main_thread():
        _transactions.add(number)


def end_transaction(number: int) -> None:
    """End a transaction; raise what a signal that waited for it would have raised."""
    _transactions.discard(number)
    if _waiting and not _transactions and threading.current_thread() is threading.main_thread():
        _raise(_waiting.pop())


def _stop(number: int, frame: Any) -> None:
    for other in ENDING:
        if other != number:  # as `mlflow run` sends one after Ctrl-C
            signal.signal(other, _ignore)
    if _transactions and not _waiting:
        _waiting.append(number)
        _send_later(PATIENCE, number, is_wanted=lambda: bool(_waiting))  # the second one does not wait
    else:
        _raise(_waiting.pop() if _waiting else number)


def _hear_again(dropped: sys.UnraisableHookArgs) -> None:
    """Send a signal again if what it raised was dropped; print any other exception, as Python does."""
    error = dropped.exc_value
    if isinstance(error, KeyboardInterrupt):
        _send_later(MOMENT, signal.SIGINT)
    elif isinstance(error, SystemExit) and error.code in CODES:
        number = CODES[error.code]
        signal.signal(number, _stop)
        _send_later(MOMENT, number)
    else:
        sys.__unraisablehook__(dropped)


def _send_later(seconds: float, number: int, *, is_wanted: Callable[[], bool] = lambda: True) -> None:
    def send() -> None:
        if is_wanted():
            os.kill(os.getpid(), number)

    timer = threading.Timer(seconds, send)
    timer.daemon = True
    timer.start()


def _raise(number: int) -> NoReturn:
    for other in ENDING:
        signal.signal(other, _ignore)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    _ended.append(number)
    raise SystemExit(128 + number)


def _ignore(number: int, frame: Any) -> None:
    """Do nothing. SIG_IGN does not do: Python reports signals that were pending when it was set."""
