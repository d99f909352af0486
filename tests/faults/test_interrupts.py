import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import mlflow
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from mnist_mlflow.interrupts import one_interrupt, stop_on_signals
from tests.conftest import ROOT

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("signals")]
RAISED = [(signal.SIGTERM, SystemExit), (signal.SIGHUP, SystemExit), (signal.SIGINT, KeyboardInterrupt)]


def press(*signals: signal.Signals) -> None:
    for number in signals:
        os.kill(os.getpid(), number)
        time.sleep(0.01)


def test_ctrl_c_is_heard_and_what_mlflow_run_sends_with_it_is_not() -> None:
    with pytest.raises(KeyboardInterrupt), one_interrupt():
        press(signal.SIGINT)
    press(signal.SIGTERM)


def test_a_second_ctrl_c_is_heard() -> None:
    with pytest.raises(KeyboardInterrupt), one_interrupt():
        press(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        press(signal.SIGINT)


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


@pytest.mark.parametrize(("number", "error"), RAISED)
def test_a_signal_waits_for_the_end_of_a_transaction(number: signal.Signals, error: type[BaseException]) -> None:
    stop_on_signals()
    with Session(create_engine("sqlite://")) as session:
        session.execute(text("SELECT 1"))
        press(number)
        with pytest.raises(error):
            session.commit()


def test_the_second_ctrl_c_does_not_wait() -> None:
    stop_on_signals()
    with Session(create_engine("sqlite://")) as session:
        session.execute(text("SELECT 1"))
        press(signal.SIGINT, signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            press(signal.SIGINT)


class Finalized:
    def __init__(self, number: signal.Signals) -> None:
        self.number = number

    def __del__(self) -> None:
        press(self.number)


@pytest.mark.parametrize(("number", "error"), RAISED)
def test_a_signal_that_meets_a_finalizer_comes_again(number: signal.Signals, error: type[BaseException]) -> None:
    """Python drops whatever is raised there: the program would never stop."""
    stop_on_signals()
    Finalized(number)
    with pytest.raises(error):
        time.sleep(60)


def test_a_run_can_be_closed_wherever_a_signal_meets_the_store(store: mlflow.MlflowClient) -> None:
    run_id = store.create_run("0").info.run_id
    errors = []
    for number in range(1, 16):
        stop_on_signals()
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # which ignores it after the first one
        threading.Timer(number * 0.007, os.kill, [os.getpid(), signal.SIGTERM]).start()
        try:
            while True:
                store.log_metric(run_id, "metric", 1.0)
                store.get_run(run_id)
        except SystemExit as error:
            errors.append(error)  # with all frames, and the connections in them
        store.set_tag(run_id, "failure", str(number))
    assert len(errors) == 15


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
    end = time.monotonic() + 120
    try:
        while process.poll() is None and not store.search_runs(["0"], "tags.role = 'trial'"):
            assert time.monotonic() < end
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        printed, _ = process.communicate(timeout=120)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert "To go on with the search: python -m mnist_mlflow knn" in printed, printed
    (run,) = store.search_runs(["0"], "tags.role = 'model'")
    assert run.data.tags["search_ended"] == "interrupted"
    assert run.outputs.model_outputs
    assert "val_accuracy" in run.data.metrics
    assert "RUNNING" not in {other.info.status for other in store.search_runs(["0"])}
