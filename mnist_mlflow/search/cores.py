"""Each worker's share of the cores, so that several of them do not get in each other's way."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


@contextlib.contextmanager
def threads_of_a_share(of: int) -> Iterator[None]:
    """While a worker starts, the libraries' variables say how many threads it may have."""
    share = str(max(1, len(_cores()) // of))
    kept: dict[str, str | None] = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, share))
    try:
        yield
    finally:
        for name, value in kept.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def keep_to_a_share_of_the_cores(number: int, of: int) -> None:
    """Where the system allows it, since not every library heeds the variables."""
    if hasattr(os, "sched_setaffinity"):
        cores = _cores()
        os.sched_setaffinity(0, cores[number % len(cores) :: of] if of <= len(cores) else [cores[number % len(cores)]])


def _cores() -> list[int]:
    """Those that this process may use, which may be fewer than the machine has."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
