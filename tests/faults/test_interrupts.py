import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import mlflow
import pytest

from mnist_mlflow.interrupts import one_interrupt
from tests.conftest import ROOT

pytestmark = pytest.mark.faults


def press(*signals: signal.Signals) -> None:
    for number in signals:
        os.kill(os.getpid(), number)
        time.sleep(0.01)


def test_ctrl_c_is_heard_and_what_mlflow_run_sends_with_it_is_not() -> None:
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(KeyboardInterrupt), one_interrupt():
            press(signal.SIGINT)
        press(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, handler)


def test_a_second_ctrl_c_is_heard() -> None:
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(KeyboardInterrupt), one_interrupt():
            press(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            press(signal.SIGINT)
    finally:
        signal.signal(signal.SIGTERM, handler)


def test_without_an_interrupt_all_is_as_before() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with one_interrupt():
        pass
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_in_another_thread_there_is_nothing_to_hear() -> None:
    entered = []

    def enter() -> None:
        with one_interrupt():
            entered.append(True)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert entered == [True]


def test_ctrl_c_at_mlflow_run_leaves_the_best_so_far(store: mlflow.MlflowClient, tmp_path: Path) -> None:
    """As at a terminal, where all processes are interrupted; MLflow itself then calls the run FAILED."""
    options = ["-e", "knn", "--env-manager", "local", "-P", "data=digits", "-P", "train_size=200", "-P", "trials=5000"]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    process = subprocess.Popen(
        ["mlflow", "run", str(ROOT), *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        cwd=tmp_path,
    )
    while process.poll() is None and not store.search_runs(["0"], "tags.role = 'trial'"):
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    printed, _ = process.communicate(timeout=120)
    assert "To go on with the search: mlflow run . -e knn" in printed, printed
    (run,) = store.search_runs(["0"], "tags.role = 'model'")
    assert run.data.tags["search_ended"] == "interrupted"
    assert run.outputs.model_outputs
    assert "val_accuracy" in run.data.metrics
    assert "RUNNING" not in {other.info.status for other in store.search_runs(["0"])}
