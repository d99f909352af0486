import multiprocessing
import os
from typing import Any

import pytest

from mnist_mlflow.search.cores import limited_threads, pin_to_cores


def _threads(pipe: Any, number: int, of: int) -> None:
    from threadpoolctl import threadpool_info

    pin_to_cores(number, of)
    import numpy  # noqa: F401

    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    pipe.send((cores, max(info["num_threads"] for info in threadpool_info())))


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is one core")
def test_workers_share_the_cores() -> None:
    of = os.cpu_count() or 1
    context, shares = multiprocessing.get_context("spawn"), []
    for number in range(2):
        pipe, end = context.Pipe()
        with limited_threads(of):
            process = context.Process(target=_threads, args=(end, number, of))
            process.start()
        shares.append(pipe.recv())
        process.join()
    (first, threads), (second, _) = shares
    assert threads == 1
    assert not first & second


def test_the_variables_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with limited_threads(10_000):
        assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "1"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ
