"""Several processes that try at the same time, killed for real."""

import dataclasses
import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.search import supervisor as module
from mnist_mlflow.search.queue import FrozenTrial, failure, settled
from mnist_mlflow.search.runner import Job, Trier
from mnist_mlflow.search.studies import Plan, open_study
from mnist_mlflow.search.supervisor import Data, Gate, try_in_processes
from tests.conftest import ROOT, start_python

DATA = Data("digits", 0, 300)


def gate(folder: Path, wanted: int, algorithm: str = "knn", **given: Any) -> Gate:
    plan = Plan(f"sqlite:///{folder}/optuna.db", "s", "log_loss", 0, {})
    return Gate(open_study(plan), Job(algorithm, given, 0, plan, "run"), wanted)


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


@pytest.fixture
def killer() -> Iterator[Callable[[Callable[[], bool]], None]]:
    """Kills the youngest worker when something has come about."""
    threads: list[threading.Thread] = []

    def kill_when(has_come: Callable[[], bool]) -> None:
        def wait_and_kill() -> None:
            while not has_come():
                time.sleep(0.005)
            max(children(), key=lambda child: child.create_time()).kill()

        threads.append(threading.Thread(target=wait_and_kill, daemon=True))
        threads[-1].start()

    yield kill_when
    for thread in threads:
        thread.join(1)


def owners(opened: Gate) -> set[int]:
    """The processes that have ended a trial."""
    ended = settled(opened.study.get_trials(deepcopy=False))
    return {trial.user_attrs["owner"]["pid"] for trial in ended}


def test_a_worker_that_is_killed_is_replaced_and_its_trial_tried_again(
    tmp_path: Path, killer: Callable[[Callable[[], bool]], None]
) -> None:
    wanted = 6
    opened = gate(tmp_path, wanted)
    killer(lambda: bool(owners(opened)))
    try_in_processes(opened, DATA, 1, lambda trials: None)
    trials = opened.study.trials
    assert len(settled(trials)) == wanted
    assert {trial.state.name for trial in settled(trials)} == {"COMPLETE"}
    assert len(owners(opened)) == 2
    killed = [trial for trial in trials if trial.state.name == "FAIL"]
    assert len(killed) <= 1
    for lost in killed:
        assert failure(lost) == "its process was killed"
        (again,) = [trial for trial in trials if trial.user_attrs.get("repeats") == lost.number]
        assert lost.params.items() <= again.params.items()
    assert children() == []


def test_two_workers_try_as_many_as_are_wanted(tmp_path: Path) -> None:
    opened, calls = gate(tmp_path, 7), []
    try_in_processes(opened, DATA, 2, lambda trials: calls.append(None))
    assert [trial.state.name for trial in opened.study.trials] == ["COMPLETE"] * 7
    assert len(calls) >= 7


def test_a_worker_that_has_tried_enough_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TRIALS", 2)
    opened = gate(tmp_path, 3)
    try_in_processes(opened, DATA, 1, lambda trials: None)
    trials = opened.study.trials
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 3
    pids = [trial.user_attrs["owner"]["pid"] for trial in trials]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [2, 1]
    assert children() == []


def test_workers_whose_supervisor_is_killed_end_too(tmp_path: Path) -> None:
    code = f"""
import sys
from tests.search.test_workers import *
if __name__ == "__main__":
    try_in_processes(gate(Path({str(tmp_path)!r}), 10_000), DATA, 2, lambda trials: print("tried", flush=True))
"""
    script = tmp_path / "supervise.py"
    script.write_text(code)
    start = f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')"
    supervisor = start_python(start, ROOT, PYTHONPATH=str(ROOT))
    assert supervisor.stdout
    for _ in range(4):
        supervisor.stdout.readline()
    orphans = [child for child in psutil.Process(supervisor.pid).children() if "spawn_main" in str(child.cmdline())]
    assert len(orphans) == 2
    supervisor.kill()
    supervisor.communicate()
    _, alive = psutil.wait_procs(orphans, timeout=20)
    assert alive == []


def test_a_worker_that_cannot_begin_says_why(tmp_path: Path) -> None:
    with pytest.raises(UserFacingError, match="train_size=5 is not possible"):
        try_in_processes(gate(tmp_path, 3), Data("digits", 0, 5), 2, lambda trials: None)
    assert children() == []


def test_a_worker_that_dies_before_it_has_tried_anything_is_not_replaced_for_ever(
    tmp_path: Path, killer: Callable[[Callable[[], bool]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_UNTRIED", 1)
    killer(lambda: bool(children()))
    with pytest.raises(UserFacingError, match="before they could try anything"):
        try_in_processes(gate(tmp_path, 3), DATA, 1, lambda trials: None)


def test_a_worker_that_dies_before_it_has_tried_anything_is_replaced_at_first(
    tmp_path: Path, killer: Callable[[Callable[[], bool]], None]
) -> None:
    opened = gate(tmp_path, 2)
    killer(lambda: bool(children()))
    try_in_processes(opened, DATA, 1, lambda trials: None)
    assert [trial.state.name for trial in opened.study.trials] == ["COMPLETE"] * 2


def test_when_the_time_is_up_workers_end_whatever_they_do(tmp_path: Path) -> None:
    opened = gate(tmp_path, 10_000)
    late = Gate(opened.study, dataclasses.replace(opened.job, deadline=time.time() + 6), 10_000)
    try_in_processes(late, DATA, 1, lambda trials: None)
    assert time.time() < late.job.deadline + 20
    assert "RUNNING" not in [trial.state.name for trial in opened.study.trials]
    assert children() == []


def test_a_worker_that_can_no_longer_try_says_so_instead_of_beginning() -> None:
    pipe, end = multiprocessing.Pipe()
    end.send(("cannot", "the storage is gone"))
    with pytest.raises(UserFacingError, match="the storage is gone"):
        module._let_in(SimpleNamespace(pipe=pipe))  # type: ignore[arg-type]
    assert end.recv() == "try"


def test_a_trial_that_cannot_be_claimed_has_begun_all_the_same(
    tmp_path: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or its worker and the supervisor would wait for each other."""

    def fail(*arguments: object) -> None:
        raise OSError("locked")

    begun: list[None] = []
    opened = gate(tmp_path, 1)
    trier = Trier(opened.job, digits, lambda: begun.append(None))
    monkeypatch.setattr("mnist_mlflow.search.runner.claim", fail)
    assert opened.opens(opened.trials())
    trier.try_next()
    assert begun == [None]
    assert opened.study.trials[0].state.name == "FAIL"


def test_a_worker_told_to_end_closes_its_trial(tmp_path: Path) -> None:
    opened = gate(tmp_path, 10_000, "forest", n_estimators=2_000)  # a second: it is seen under way

    def stop(trials: Sequence[FrozenTrial]) -> None:
        if any(trial.state.name == "RUNNING" for trial in trials):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        try_in_processes(opened, DATA, 1, stop)
    states = [trial.state.name for trial in opened.study.trials]
    assert "RUNNING" not in states
    assert children() == []
