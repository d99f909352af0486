"""Machines that join a search on PostgreSQL: processes whose machines have other names, killed while they try."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import mlflow
import pytest
from sqlalchemy.engine import Engine

from benchmarks.measure.postgresql import is_installed, postgresql, stopped
from mnist_mlflow.jobs.train import train
from mnist_mlflow.search.records import TrialRecord, counted_trials
from mnist_mlflow.types import silent
from tests.conftest import ROOT
from tests.searches import announced, before_fit, queue_of, specify, task, trials_of

Client: TypeAlias = mlflow.MlflowClient
Machine: TypeAlias = "subprocess.Popen[str]"
pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]
DOWN = 1.5  # seconds without a database; with 30 nothing is otherwise

# Another machine: it has another name, takes its time for a trial, and is soon taken for dead.
MACHINE = """
import os, socket, sys, time
if "join" in sys.orig_argv:
    socket.gethostname = lambda: os.environ["MACHINE"]
    from mnist_mlflow.algorithms import knn
    from mnist_mlflow.search import studies
    studies.HEARTBEAT, studies.GRACE, fit = 1, int(os.environ["GRACE"]), knn.fit
    def slow_fit(*arguments):
        time.sleep(0.3)
        return fit(*arguments)
    knn.fit = slow_fit
"""


@pytest.fixture
def server(engines: list[Engine], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a PostgreSQL server of its own, where studies are kept."""
    if not is_installed():
        pytest.skip("PostgreSQL's server is not installed: apt-get install postgresql")
    with postgresql() as address:
        monkeypatch.setenv("OPTUNA_STORAGE", address)
        yield address
        for engine in engines:
            engine.dispose()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Machine]]:
    """Makes a machine join the study `s`."""
    (tmp_path / "sitecustomize.py").write_text(MACHINE)
    machines: list[Machine] = []

    def join(name: str, grace: int = 60) -> Machine:
        environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}", "MACHINE": name, "GRACE": str(grace)}
        command = [sys.executable, "-m", "mnist_mlflow", "join", "--study=s"]
        pipe = subprocess.PIPE
        machines.append(subprocess.Popen(command, env=environment, cwd=tmp_path, text=True, stdout=pipe, stderr=pipe))
        return machines[-1]

    yield join
    for machine in machines:
        machine.kill()
        if not machine.stdout.closed:  # type: ignore[union-attr]
            machine.communicate()


def wait_until(has_happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not has_happened():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        time.sleep(0.05)


def hosts(records: list[TrialRecord]) -> Counter[str]:
    return Counter(record.owner["host"] for record in counted_trials(records) if record.owner)


def test_machines_without_a_driver_try_what_is_wanted_whatever_is_killed(
    server: str, start: Callable[..., Machine], tmp_path: Path
) -> None:
    queue = announced(specify(tmp_path, trials=24, storage=server))
    one, other = start("one", grace=5), start("other", grace=5)
    wait_until(lambda: set(hosts(queue.records())) == {"one", "other"})
    with stopped(server):
        time.sleep(DOWN)
    so_far = len(counted_trials(queue.records()))
    wait_until(lambda: len(counted_trials(queue.records())) > so_far)
    wait_until(lambda: any(_is_tried_by("other", record) for record in queue.records()))
    other.kill()
    output, errors = one.communicate(timeout=60)
    assert errors == ""
    assert one.returncode == 0
    records = queue.records()
    found = hosts(records)
    assert [record.state for record in counted_trials(records)] == ["complete"] * 24
    assert output == f"{found['one']} of 24 trials of the study s were tried here.\n"
    lost = [record for record in records if record.state == "fail"]
    assert [record.number for record in lost] == [one.repeats for one in records if one.repeats is not None]
    assert len(lost) <= 1  # the kill may have come between two trials


def _is_tried_by(machine: str, record: TrialRecord) -> bool:
    return record.state == "running" and record.owner is not None and record.owner["host"] == machine


@pytest.mark.usefixtures("server")
def test_the_search_writes_what_joined_machines_have_tried(
    store: Client, start: Callable[..., Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def wait_for_the_other(fit: int) -> None:
        if fit == 0:
            machine = start("other")
            queue = queue_of("s")
            wait_until(lambda: "other" in hosts(queue.records()))
            threads.append(threading.Thread(target=machine.communicate))
            threads[-1].start()

    before_fit(monkeypatch, wait_for_the_other)
    run_id = train(task(6, study="s"), silent).run_id
    threads[0].join(30)
    children = trials_of(store, run_id)
    assert [child.info.status for child in children.values()] == ["FINISHED"] * 6
    assert store.get_run(run_id).data.tags["search_ended"] == "complete"
    queue = queue_of("s")
    assert hosts(queue.records())["other"] >= 1
