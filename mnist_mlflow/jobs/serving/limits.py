"""Limits of the requests: their size, their time to come, their work, and the number from one client."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import TypeVar

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from mnist_mlflow.model.budget import at_most

MEGABYTE = 1_000_000
LARGEST = 16 * MEGABYTE  # bytes of a request
SLOWEST = 30  # seconds that a request may take to come
MOST_PIXELS = 200_000_000  # of the pictures of a request, together: small files may hold many
LONGEST = 30  # seconds that reading them may take
RATE = 1_000  # requests a second that one client may send
BYTES_OF_ONE = 16_000  # a larger request counts as several: so one client may send 16 MB a second
MOST_CLIENTS = 1_000  # that are remembered

Result = TypeVar("Result")


async def read_body(request: Request) -> bytes:
    """The body of a request; raises HTTPException (413, 408) where it is too large or too slow."""
    if int(request.headers.get("content-length", 0)) > LARGEST:
        raise _too_large()
    parts, size = [], 0
    try:
        async with asyncio.timeout(SLOWEST):
            async for part in request.stream():
                size += len(part)
                if size > LARGEST:
                    raise _too_large()
                parts.append(part)
    except TimeoutError:
        raise HTTPException(408, f"The request did not come within {SLOWEST} seconds.") from None
    except ClientDisconnect:  # nobody reads this answer
        raise HTTPException(400, "The request broke off.") from None
    return b"".join(parts)


def bounded(work: Callable[[], Result]) -> Result:
    """The result of a request's work; raises TooMuchWorkError for pictures that are too large or many together."""
    with at_most(MOST_PIXELS, LONGEST):
        return work()


def _too_large() -> HTTPException:
    return HTTPException(413, f"The request is too large; accepted are {LARGEST // MEGABYTE} MB.")


class Allowances:
    """The requests that each client may still send: a bucket, which RATE tokens a second fill (a token bucket)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens, and when there were so many

    def admit(self, client: str) -> None:
        """Count a request; raises HTTPException (429) for a client that has sent too many."""
        if (tokens := self._tokens(client)) < 1:
            wait = math.ceil((1 - tokens) / RATE)
            text = f"More than {RATE:,} requests or {RATE * BYTES_OF_ONE // MEGABYTE} MB a second; send many in one."
            raise HTTPException(429, text, {"Retry-After": str(wait)})
        self._spend(client, tokens, 1)

    def charge(self, client: str, size: int) -> None:
        """Count the bytes of a request that has come; the bucket may go below zero."""
        self._spend(client, self._tokens(client), size / BYTES_OF_ONE)

    def _tokens(self, client: str) -> float:
        tokens, then = self._buckets.get(client, (RATE, self._clock()))
        return min(RATE, tokens + RATE * (self._clock() - then))

    def _spend(self, client: str, tokens: float, cost: float) -> None:
        if len(self._buckets) >= MOST_CLIENTS:
            self._buckets = {one: bucket for one, bucket in self._buckets.items() if self._tokens(one) < RATE}
        self._buckets[client] = (tokens - cost, self._clock())
