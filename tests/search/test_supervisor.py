"""The supervisor of a search: its workers are processes that are killed for real, or take no process at all."""

import dataclasses
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from mnist_mlflow.data import load_dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.search import supervisor
from mnist_mlflow.search.machine import Processes
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.records import TrialRecord, counted_trials
from mnist_mlflow.search.spec import SearchSpec
from mnist_mlflow.search.supervisor import MOST_FAILED_STARTS, supervise
from mnist_mlflow.search.worker import work
from mnist_mlflow.search.workers import Ending
from tests.conftest import ROOT, start_python
from tests.searches import announced, specify
from tests.slots import Slots

pytestmark = pytest.mark.faults


def silent(records: Sequence[TrialRecord]) -> None:
    """Report to nobody."""


def workers_of(pid: int | None = None) -> list[psutil.Process]:
    return [child for child in psutil.Process(pid).children() if "join" in child.cmdline()]


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


def test_a_worker_that_is_killed_is_replaced_and_its_trial_repeated(
    folder: Path, killer: Callable[[Callable[[], bool]], None]
) -> None:
    queue = announced(specify(folder, trials=6))
    killer(lambda: bool(owners(queue.records())))
    supervise(queue, Processes(), silent)
    records = queue.records()
    assert [record.state for record in counted_trials(records)] == ["complete"] * 6
    assert len(set(owners(records))) == 2
    killed = [record for record in records if record.state == "fail"]
    assert len(killed) <= 1
    for lost in killed:
        assert lost.failure == "its process was killed"
        (again,) = [record for record in records if record.repeats == lost.number]
        assert lost.params.items() <= again.params.items()
    assert workers_of() == []


LITTLE = """
from mnist_mlflow.search import worker
worker.MOST_TRIALS = 2
"""


def test_a_worker_that_has_tried_enough_begins_afresh_as_the_same_process(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("site")
    (place / "sitecustomize.py").write_text(LITTLE)
    reports: list[int] = []
    queue = announced(specify(folder, trials=3))
    workers = Processes(variables={"PYTHONPATH": f"{place}:{ROOT}"})
    supervise(queue, workers, lambda records: reports.append(len(counted_trials(records))))
    records = queue.records()
    assert [record.state for record in records] == ["complete"] * 3
    assert set(owners(records)) == workers.pids
    assert len(workers.pids) == 1
    assert reports == sorted(reports)
    assert reports[-1] == 3
    assert workers_of() == []


def test_workers_whose_supervisor_is_killed_end_too(folder: Path) -> None:
    code = f"""
import sys
from tests.search.test_supervisor import *
if __name__ == "__main__":
    queue = announced(specify(Path({str(folder)!r})))
    supervise(queue, Processes(), lambda records: print(len(records), flush=True))
"""
    script = folder / "supervise.py"
    script.write_text(code)
    start = f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')"
    process = start_python(start, ROOT, PYTHONPATH=str(ROOT))
    assert process.stdout
    while int(process.stdout.readline()) < 1:
        pass
    orphans = workers_of(process.pid)
    assert len(orphans) == 1
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(orphans, timeout=60)
    assert alive == []


def test_a_worker_that_cannot_work_says_why(folder: Path) -> None:
    queue = announced(specify(folder, trials=3))
    other = dataclasses.replace(queue.spec, run_id="unknown")
    with pytest.raises(UserFacingError, match=r"^The study 's' knows no search of run 'unknown'"):
        supervise(TrialQueue(other), Processes(), silent)
    assert workers_of() == []


class Dying(Slots):
    """A worker at a time: so many die before they try anything, the next one tries all."""

    def __init__(self, queue: TrialQueue, deaths: int) -> None:
        super().__init__(1)
        self.queue, self.deaths = queue, deaths

    def wait(self, seconds: float) -> Sequence[Ending]:
        if len(self.commands) <= self.deaths:
            return super().wait(seconds)
        protocol = self.queue.spec.task.protocol
        work(self.queue, load_dataset("digits", protocol.split_seed, protocol.train_size))
        return [Ending(number, 0) for number in [*self.running] if self.running.pop(number)]


def test_workers_that_die_before_they_have_tried_anything_are_replaced_but_not_for_ever(folder: Path) -> None:
    queue = announced(specify(folder, trials=2))
    workers = Dying(queue, MOST_FAILED_STARTS - 1)
    supervise(queue, workers, silent)
    assert [record.state for record in queue.records()] == ["complete"] * 2
    assert len(workers.commands) == MOST_FAILED_STARTS
    queue = announced(dataclasses.replace(queue.spec, study="another"))
    workers = Dying(queue, MOST_FAILED_STARTS)
    with pytest.raises(UserFacingError, match="before they could try anything"):
        supervise(queue, workers, silent)
    assert workers.ended
    assert queue.records() == []


def test_when_the_time_is_up_workers_are_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workers = Slots(2)
    monkeypatch.setattr(SearchSpec, "is_late", lambda spec: bool(workers.commands))  # as if the clock said so
    supervise(announced(specify(folder, trials=9)), workers, silent)
    assert len(workers.commands) == 2
    assert workers.ended


def test_on_ctrl_c_workers_close_their_trials_and_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = announced(specify(folder, "forest", {"n_estimators": 2_000}))  # a second a trial: it is seen under way
    monkeypatch.setattr(supervisor, "POLL", 0.1)

    def press(records: Sequence[TrialRecord]) -> None:
        if any(record.state == "running" for record in records):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        supervise(queue, Processes(), press)
    assert queue.records()
    assert "running" not in [record.state for record in queue.records()]
    assert workers_of() == []
