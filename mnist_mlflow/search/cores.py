"""Shares of the cores, so that workers do not slow each other down."""

from __future__ import annotations

import os

from mnist_mlflow.processes import count_cores

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "LOKY_MAX_CPU_COUNT",  # which joblib reads, also for threads: scikit-learn's `n_jobs=-1`
)
# Threads that wait leave their core at once, which those of OpenMP and OpenBLAS do not otherwise: where other processes
# had work for the same cores, XGBoost worked eight times as long, logistic regression twice.
PATIENT = {"OMP_WAIT_POLICY": "passive", "OPENBLAS_THREAD_TIMEOUT": "4"}  # the latter of 2 ** 4 ticks of the clock


def share_of_threads(of: int) -> dict[str, str]:
    """The variables that tell the libraries how many threads one process in `of` has."""
    return dict.fromkeys(THREADS, str(max(1, count_cores() // of)))


def respect_quota() -> None:
    """Limit the threads of all libraries to the quota of a container, if it is below the cores they see."""
    if (cores := count_cores()) < len(_cores()):
        import threadpoolctl

        for name in THREADS:
            os.environ.setdefault(name, str(cores))
        threadpoolctl.threadpool_limits(cores)  # those that are loaded have read the variables


def pin_to_cores(number: int, of: int, pid: int = 0) -> None:
    """Pin process `number` of `of` to its cores, on systems that can: not every library reads the variables.

    It is the one with the id `pid`, by default this one.
    """
    if hasattr(os, "sched_setaffinity"):
        cores = _cores()
        os.sched_setaffinity(
            pid, cores[number % len(cores) :: of] if of <= len(cores) else [cores[number % len(cores)]]
        )


def _cores() -> list[int]:
    """The cores that this process may use, which may be fewer than the machine has."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
