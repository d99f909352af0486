"""Rows that are shared out to threads."""

import threading

import numpy as np
import pytest

from mnist_mlflow.errors import TooMuchWorkError
from mnist_mlflow.model.budget import at_most, spend
from mnist_mlflow.model.sharing import CHUNK, shared_out

MANY = 5 * CHUNK + 3


def test_all_rows_come_once_and_in_order() -> None:
    rows = np.arange(MANY)
    assert np.array_equal(np.concatenate(shared_out(lambda chunk: rows[chunk], MANY)), rows)


def test_a_single_chunk_is_worked_on_in_this_thread() -> None:
    assert shared_out(lambda chunk: threading.current_thread(), CHUNK) == [threading.current_thread()]


def test_chunks_are_worked_on_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of two waits for the other."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    both = threading.Barrier(2, timeout=10)
    shared_out(lambda chunk: both.wait(), 2 * CHUNK)


def test_no_more_threads_work_than_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert len(set(shared_out(lambda chunk: threading.get_ident(), MANY))) == 1


def test_the_progress_is_reported() -> None:
    reports: list[tuple[object, ...]] = []
    shared_out(lambda chunk: None, CHUNK + 1, lambda *report: reports.append(report))
    assert reports == [("predict", CHUNK, CHUNK + 1), ("predict", CHUNK + 1, CHUNK + 1)]


def test_an_error_of_one_chunk_is_raised() -> None:
    def fail(chunk: slice) -> None:
        if chunk.start == CHUNK:
            raise ValueError("a bad row")

    with pytest.raises(ValueError, match="a bad row"):
        shared_out(fail, MANY)


def test_threads_spend_the_budget_of_who_asks() -> None:
    with at_most(pixels=25, seconds=60), pytest.raises(TooMuchWorkError):
        shared_out(lambda rows: spend(10), 4 * CHUNK)
