"""Sharing out: the rows of a large batch are worked on by several threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from mnist_mlflow.types import Progress, silent

CHUNK = 250  # rows at a time, whatever the number of threads: so the figures do not depend on it

Result = TypeVar("Result")


def shared_out(work: Callable[[slice], Result], count: int, progress: Progress = silent) -> list[Result]:
    """The results of `work` for all of so many rows, a chunk at a time, in their order.

    NumPy, OpenCV and ONNX Runtime let other threads run meanwhile. A single chunk needs no thread.
    """
    results = []
    for result, rows in _results(work, [slice(start, start + CHUNK) for start in range(0, count, CHUNK)]):
        results.append(result)
        progress("predict", min(rows.stop, count), count)
    return results


def _results(work: Callable[[slice], Result], chunks: Sequence[slice]) -> Iterator[tuple[Result, slice]]:
    if len(chunks) <= 1:
        yield from ((work(rows), rows) for rows in chunks)
        return
    pool = ThreadPoolExecutor(min(_count_threads(), len(chunks)))
    contexts = [copy_context() for _ in chunks]  # with the budget of who asks
    try:
        results = pool.map(lambda context, rows: context.run(work, rows), contexts, chunks)
        yield from zip(results, chunks, strict=True)
    finally:
        pool.shutdown(cancel_futures=True)  # where an error or an interruption ends it


def _count_threads() -> int:
    """As many as other libraries take: OMP_NUM_THREADS says it, else the cores that this process may use."""
    if (named := os.environ.get("OMP_NUM_THREADS", "")).isdigit():
        return max(1, int(named))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
