"""A budget: the work that pictures of strangers may cause, for a server that answers them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

from mnist_mlflow.errors import TooMuchWorkError


class _Budget:
    """The pixels that may still be decoded, and the time by which the work ends."""

    def __init__(self, pixels: int, seconds: float) -> None:
        self.pixels, self.seconds = pixels, seconds
        self.left, self.end = pixels, time.monotonic() + seconds


_budget: ContextVar[_Budget | None] = ContextVar("budget", default=None)  # without one, all is done


@contextlib.contextmanager
def at_most(pixels: int, seconds: float) -> Iterator[None]:
    """Let the pictures that are read within have so many pixels, together, and take so many seconds."""
    token = _budget.set(_Budget(pixels, seconds))
    try:
        yield
    finally:
        _budget.reset(token)


def spend(pixels: int = 0) -> None:
    """Count a picture with so many pixels to decode; raises TooMuchWorkError where it is more than the budget."""
    if (budget := _budget.get()) is None:
        return
    budget.left -= pixels
    if budget.left < 0:
        raise TooMuchWorkError(
            f"The pictures have more than {budget.pixels / 1e6:g} megapixels together; send fewer of them."
        )
    if time.monotonic() > budget.end:
        raise TooMuchWorkError(f"The pictures take more than {budget.seconds:g} seconds together; send fewer of them.")
