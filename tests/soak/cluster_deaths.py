"""The other deaths on a Ray cluster, which take minutes: `python -m pytest tests/soak/cluster_deaths.py`.

A machine that is gone takes its trials with it for a minute: only its heartbeat tells that it will not come back.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from benchmarks.measure.postgresql import stopped
from tests.cluster import wait_for, why_not
from tests.place import END, PRINTED, SMALL, Place, place, started

__all__ = ["place", "started"]  # fixtures
pytestmark = [pytest.mark.timeout(400), pytest.mark.skipif(bool(why_not()), reason=f"no machines here: {why_not()}")]

LONG_END = 250  # seconds until a search has to end that waits for a heartbeat
TRIALS = 60


def search(place: Place, study: str) -> tuple[str, ...]:
    """A search that takes a while."""
    return ("forest", *SMALL, f"--trials={TRIALS}", f"--study={study}", f"--cluster={place.cluster.address}")


@pytest.mark.parametrize("death", ["killed", "unplugged"])
def test_a_machine_that_is_gone_costs_its_trials_which_are_tried_again(place: Place, death: str) -> None:
    cluster = place.cluster
    lost = cluster.machines[2]
    with place.typed(cluster.machines[1], *search(place, death)) as process:
        wait_for(lambda: len(place.owners(death)) == len(cluster.machines))
        lost.kill() if death == "killed" else lost.unplug()
        printed, _ = process.communicate(timeout=LONG_END)
    lost.kill()
    assert process.returncode == 0, printed
    assert place.count(death) == TRIALS
    assert set(place.states(death)) <= {"COMPLETE", "PRUNED"}


def test_a_head_that_is_gone_ends_the_search_which_goes_on_later(place: Place) -> None:
    cluster, study = place.cluster, "headless"
    with place.typed(cluster.machines[1], *search(place, study)) as process:
        wait_for(lambda: len(place.owners(study)) == len(cluster.machines))
        cluster.head.kill()
        printed, _ = process.communicate(timeout=LONG_END)
    assert process.returncode == 0, printed
    assert "does not answer any more" in printed
    assert f"study={study}" in printed
    (run,) = place.runs(f"tags.study = '{study}' and tags.role = 'model'")
    assert (run.info.status, run.data.tags["search_ended"]) == ("FINISHED", "interrupted")
    cluster.start()
    with place.typed(cluster.machines[1], *search(place, study)) as process:
        printed, _ = process.communicate(timeout=LONG_END)
    assert process.returncode == 0, printed
    assert place.count(study) == TRIALS


@pytest.mark.parametrize("gone", ["server", "database"])
def test_a_search_outlasts_half_a_minute_without_the_server_or_the_database(place: Place, gone: str) -> None:
    with place.typed(place.cluster.machines[1], *search(place, gone)) as process:
        wait_for(lambda: len(place.owners(gone)) == len(place.cluster.machines))
        if gone == "server":
            place.server.kill()
            time.sleep(30)
            place.server.start()
        else:
            with stopped(place.server.database):
                time.sleep(30)
        printed, _ = process.communicate(timeout=LONG_END)
    assert process.returncode == 0, printed
    assert place.count(gone) == TRIALS
    (run,) = place.runs(f"tags.study = '{gone}' and tags.role = 'model'")
    assert (run.info.status, run.data.tags["search_ended"]) == ("FINISHED", "complete")
    assert len(place.runs(f"tags.mlflow.parentRunId = '{run.info.run_id}'")) == len(place.study(gone).trials)


def test_main_shows_which_machine_says_what(place: Place) -> None:
    arguments = ("main", *SMALL, "--algorithms=knn,logistic", "--cluster=auto")
    with place.typed(place.cluster.machines[0], *arguments) as process:
        printed, _ = process.communicate(timeout=END)
    assert process.returncode == 0, printed
    for name in ("knn", "logistic"):
        assert re.search(rf"^{name} on node\d: {name} +val_accuracy", printed, re.MULTILINE), printed


def test_a_search_that_is_interrupted_or_killed_leaves_nothing_behind(place: Place) -> None:
    machine, study = place.cluster.machines[1], "broken-off"
    arguments = ("knn", *SMALL, "--trials=5000", f"--study={study}", f"--cluster={place.cluster.address}")
    with place.typed(machine, *arguments) as process:
        wait_for(lambda: len(place.owners(study)) == len(place.cluster.machines))
        machine.processes(f"--study={study} --cluster")[0].send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=END)
        assert process.returncode == 0, printed
        assert f"study={study}" in printed
        assert "RUNNING" not in place.states(study)
        assert not place.workers()
    with place.typed(machine, *arguments) as process:
        count = len(place.study(study).trials)
        wait_for(lambda: len(place.study(study).trials) > count + 3)
        machine.processes(f"--study={study} --cluster")[0].kill()
        wait_for(lambda: not place.workers())
    done = place.count(study)
    with place.typed(machine, "knn", *SMALL, f"--trials={done + 1}", f"--study={study}") as process:
        printed, _ = process.communicate(timeout=END)
        assert process.returncode == 0, printed
    assert {run.info.status for run in place.runs(f"tags.study = '{study}'")} <= {"FINISHED", "FAILED"}
    assert place.count(study) == done + 1


def test_seeds_through_the_client_name_the_seed_whose_machine_died(place: Place) -> None:
    cluster = place.cluster
    arguments = ("logistic", *SMALL, "--seeds=0,1,2", f"--cluster={cluster.client_address}")
    variables = {**os.environ, **place.variables, **cluster.head.variables}
    words = [sys.executable, "-m", "mnist_mlflow", *arguments]
    with subprocess.Popen(words, env=variables, cwd=place.folder, **PRINTED) as process:
        try:
            running = wait_for(lambda: cluster.machines[2].processes("mnist_mlflow logistic"))[0]
            seed = next((word for word in running.cmdline() if word.startswith("--seed=")), "--seed=0")[7:]
            cluster.machines[2].kill()
            printed, _ = process.communicate(timeout=END)
        finally:
            process.kill()
    assert process.returncode == 1, printed
    assert "Lost on node2: NodeDiedError" in printed
    assert "1 of 3 seeds failed" in printed
    assert f"-P seed={seed}" in printed
    states = [run.info.status for run in place.runs("tags.`mlflow.project.entryPoint` = 'logistic'")]
    assert sorted(states) == ["FAILED", "FAILED", "FINISHED", "FINISHED"]  # the first one is that of all seeds
