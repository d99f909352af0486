"""The cluster as its jobs see it: what is refused, what comes back, and what happens when it is silent."""

import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from benchmarks.process import free_port
from mnist_mlflow.errors import MissingLibraryError, UsageError, UserFacingError
from mnist_mlflow.search import cluster
from mnist_mlflow.search.cluster import Cluster, ClusterLostError, check_answer, refusal, resolve
from mnist_mlflow.search.cluster_messages import Beat, Cancel, Leave, Line, Loss, Refusal, Start
from mnist_mlflow.search.cluster_task import run_command
from mnist_mlflow.search.workers import Command, Ending, Shown

AT = "10.0.0.1:6379"
MESSAGES = {
    "InvalidAuthToken: Authentication token is missing": "it wants its token, which its head tells: ray get-auth-token",
    "ConnectionError: Could not find any running Ray instance. Please": "No cluster runs on this machine. On the first",
    "RuntimeError: Version mismatch: The cluster was started with: Ray: 2.1": "it has another Ray or Python than this",
    "": f"this machine is no node of it. Type: ray start --address={AT}",
    "ConnectionError: ray client connection timeout": "Ray's client has a port of its own, mostly 10001",
}


@pytest.mark.parametrize("reason", MESSAGES)
def test_a_cluster_that_cannot_be_used_says_what_to_type(reason: str) -> None:
    assert MESSAGES[reason] in str(refusal(AT, reason))


def test_auto_means_what_ray_itself_would_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert resolve("auto") == "auto"
    monkeypatch.setenv("RAY_ADDRESS", f"ray://{AT}")
    assert resolve("auto") == f"ray://{AT}"
    assert resolve("other:1") == "other:1"
    monkeypatch.setenv("RAY_ADDRESS", "http://wrong")
    with pytest.raises(UsageError, match="RAY_ADDRESS is 'http://wrong'; accepted: auto, HOST:PORT"):
        resolve("auto")


@pytest.mark.parametrize("prefix", ["", "ray://"])
def test_an_address_where_nothing_answers_is_refused_at_once(prefix: str) -> None:
    with pytest.raises(UserFacingError, match=r"No cluster answers at 127\.0\.0\.1:.* type: ray get-auth-token"):
        check_answer(f"{prefix}127.0.0.1:{free_port()}")


def test_a_cluster_without_ray_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    with pytest.raises(MissingLibraryError, match=r'pip install "mnist-mlflow\[ray\]"'):
        Cluster("auto", {})


def fall_silent(pipe: Connection, address: str, patience: float, log: str) -> None:
    """Be a driver whose cluster is gone."""
    pipe.send(Beat(2))
    time.sleep(60)


def die(pipe: Connection, address: str, patience: float, log: str) -> None:
    """Be a driver that Ray ends."""
    pipe.send(Beat(2))


def refuse(pipe: Connection, address: str, patience: float, log: str) -> None:
    """Be a driver that cannot connect."""
    pipe.send(Refusal("ValueError: bad luck"))


def serve(pipe: Connection, address: str, patience: float, log: str) -> None:
    """Be a driver whose commands print a variable, and end when they are killed, but for the second: it is lost."""
    pipe.send(Beat(2))
    while not isinstance(wish := pipe.recv(), Leave):
        match wish:
            case Start(2):
                pipe.send(Loss("node1", "NodeDiedError: gone"))
                pipe.send(Ending(2, None))
                pipe.send(Line(2, "node1", "out", "too late\n"))
            case Start(number, command):
                pipe.send(Line(number, "node2", "out", f"{command.variables}\n"))
            case Cancel(force=True):
                pipe.send(Ending(1, 137))


@pytest.fixture
def driven(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Cluster]:
    """Makes a cluster with a driver that needs no Ray."""

    def make(driver: Callable[..., None], **variables: str) -> Cluster:
        monkeypatch.setattr(cluster, "_drive", driver)
        monkeypatch.setattr(cluster, "CLOSE", 0.5)
        return Cluster("auto", variables)

    return make


@pytest.mark.parametrize("driver", [fall_silent, die])
def test_a_cluster_that_is_gone_is_lost_and_can_be_left(
    driver: Any, driven: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "SILENCE", 0.3)
    workers = driven(driver)
    time.sleep(0.3)
    with pytest.raises(ClusterLostError, match="does not answer any more"):
        workers.wait(10)
    workers.end()
    assert not workers._driver.is_alive()


def test_a_driver_that_cannot_connect_says_why(driven: Callable[..., Cluster]) -> None:
    with pytest.raises(UserFacingError, match="The cluster auto cannot be used: ValueError: bad luck"):
        driven(refuse)


def test_lines_and_endings_come_back_and_what_does_not_close_in_time_is_killed(
    driven: Callable[..., Cluster], capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    workers = driven(serve, SHARED="s", OWN="s")
    assert workers.slots() == 2
    assert workers.start(Command(("knn",), {"OWN": "o"}, "seed 0")) == 1
    assert workers.start(Command(("knn",))) == 2
    assert workers.wait(10) == [Ending(2, None)]
    time.sleep(0.5)
    workers.wait(0.1)
    assert capsys.readouterr().out == "seed 0 on node2: {'SHARED': 's', 'OWN': 'o'}\n"
    assert "Lost on node1: NodeDiedError: gone" in caplog.text
    workers.end(0.1)
    assert not workers._commands
    workers.end()  # a second time, as a `with` around it does


def test_a_command_on_a_node_tells_its_lines_and_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[tuple[str, str]] = []
    done = run_command(Command(("knn", "--nonsense=1"), shown=Shown.LINES), 1, lambda *line: lines.append(line))
    assert (done.status, [stream for stream, _ in lines]) == (2, ["err", "err"])
    assert done.error == lines[0][1].strip().removeprefix("Error: ")


def test_a_command_that_ray_cancels_may_close_what_it_has_begun(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ray cancels by an interrupt of the main thread; the command here is another program, for its speed."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\ntouch {tmp_path}/began; trap 'exit 7' TERM; while :; do sleep 0.1; done\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))

    def interrupt() -> None:
        waiting = threading.main_thread().ident or 0
        while not (tmp_path / "began").exists() or sys._current_frames()[waiting].f_code.co_name != "_wait":
            time.sleep(0.05)  # an interrupt before the wait would end the tests
        import _thread

        _thread.interrupt_main()

    threading.Thread(target=interrupt, daemon=True).start()
    assert run_command(Command(("join",)), 20, None).status == 7
