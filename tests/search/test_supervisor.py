"""Several processes that try at the same time, killed for real."""

import dataclasses
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.search import supervisor, worker
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.records import TrialRecord, counted_trials
from mnist_mlflow.search.spec import SearchSpec
from mnist_mlflow.search.supervisor import supervise
from mnist_mlflow.search.worker import work_in_process
from tests.conftest import ROOT, start_python
from tests.searches import specify

pytestmark = pytest.mark.faults


def silent(records: Sequence[TrialRecord]) -> None:
    """Report to nobody."""


def workers_of(pid: int | None = None) -> list[psutil.Process]:
    return [child for child in psutil.Process(pid).children() if "spawn_main" in " ".join(child.cmdline())]


@pytest.fixture
def killer() -> Iterator[Callable[[Callable[[], bool]], None]]:
    """Kills the youngest worker once something has happened."""
    threads: list[threading.Thread] = []

    def kill_when(has_happened: Callable[[], bool]) -> None:
        def wait_and_kill() -> None:
            while not has_happened():
                time.sleep(0.005)
            max(workers_of(), key=lambda child: child.create_time()).kill()

        threads.append(threading.Thread(target=wait_and_kill, daemon=True))
        threads[-1].start()

    yield kill_when
    for thread in threads:
        thread.join(1)


def owners(records: Sequence[TrialRecord]) -> list[int]:
    """The processes that have tried, in order of the trials."""
    return [record.owner["pid"] for record in counted_trials(records) if record.owner]


def records_of(spec: SearchSpec) -> list[TrialRecord]:
    return TrialQueue(spec).records()


def test_a_worker_that_is_killed_is_replaced_and_its_trial_repeated(
    folder: Path, killer: Callable[[Callable[[], bool]], None]
) -> None:
    spec = specify(folder, trials=6)
    queue = TrialQueue(spec)
    killer(lambda: bool(owners(queue.records())))
    supervise(spec, silent)
    records = records_of(spec)
    assert [record.state for record in counted_trials(records)] == ["complete"] * 6
    assert len(set(owners(records))) == 2
    killed = [record for record in records if record.state == "fail"]
    assert len(killed) <= 1
    for lost in killed:
        assert lost.failure == "its process was killed"
        (again,) = [record for record in records if record.repeats == lost.number]
        assert lost.params.items() <= again.params.items()
    assert workers_of() == []


def work_little(*arguments: Any) -> None:
    worker.MOST_TRIALS = 2
    work_in_process(*arguments)


def test_a_worker_that_has_tried_enough_is_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "work_in_process", work_little)
    reports: list[int] = []
    spec = specify(folder, trials=3)
    supervise(spec, lambda records: reports.append(len(counted_trials(records))))
    records = records_of(spec)
    assert [record.state for record in records] == ["complete"] * 3
    assert list(Counter(owners(records)).values()) == [2, 1]
    assert reports == sorted(reports)
    assert reports[-1] == 3
    assert workers_of() == []


def test_workers_whose_supervisor_is_killed_end_too(folder: Path) -> None:
    code = f"""
import sys
from tests.search.test_supervisor import *
if __name__ == "__main__":
    supervise(specify({str(folder)!r}, workers=2), lambda records: print(len(records), flush=True))
"""
    script = folder / "supervise.py"
    script.write_text(code)
    start = f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')"
    process = start_python(start, ROOT, PYTHONPATH=str(ROOT))
    assert process.stdout
    while int(process.stdout.readline()) < 4:
        pass
    orphans = workers_of(process.pid)
    assert len(orphans) == 2
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(orphans, timeout=20)
    assert alive == []


def test_a_worker_that_cannot_work_says_why(folder: Path) -> None:
    with pytest.raises(UserFacingError, match="train_size=5 is not possible"):
        supervise(specify(folder, trials=3, workers=2, train_size=5), silent)
    assert workers_of() == []


def test_a_worker_that_dies_before_it_has_tried_anything_is_replaced_but_not_for_ever(
    folder: Path, killer: Callable[[Callable[[], bool]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = specify(folder, trials=2)
    killer(lambda: bool(workers_of()))
    supervise(spec, silent)
    assert [record.state for record in records_of(spec)] == ["complete"] * 2
    monkeypatch.setattr(supervisor, "MOST_FAILED_STARTS", 1)
    killer(lambda: bool(workers_of()))
    with pytest.raises(UserFacingError, match="before they could try anything"):
        supervise(dataclasses.replace(spec, study="another"), silent)


def test_on_ctrl_c_and_when_the_time_is_up_workers_close_their_trials_and_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = specify(folder, "forest", {"n_estimators": 2_000})  # a second a trial: it is seen under way
    running: list[TrialRecord] = []

    def look(records: Sequence[TrialRecord]) -> None:
        running.extend(record for record in records if record.state == "running")

    def press(records: Sequence[TrialRecord]) -> None:
        look(records)
        if running:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        supervise(spec, press)
    running.clear()
    monkeypatch.setattr(SearchSpec, "is_late", lambda spec: bool(running))  # as if the clock said so
    supervise(spec, look)
    assert running
    assert "running" not in [record.state for record in records_of(spec)]
    assert workers_of() == []
