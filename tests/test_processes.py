import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from mnist_mlflow import processes
from mnist_mlflow.processes import (
    INITIAL,
    LAUNCHER,
    is_gone,
    is_this_process,
    process_here,
    this_process,
    variables_now,
)


def test_a_process_is_told_from_a_later_one_with_its_number() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    born = psutil.Process(child.pid).create_time() - psutil.boot_time()
    owner = {**this_process(), "pid": child.pid, "born": born}
    assert not is_gone(owner)
    assert is_gone({**owner, "born": born - 3})
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(owner)  # though its parent has not looked after it yet
    child.communicate()
    assert is_gone(owner)
    assert not is_gone({**owner, "host": "elsewhere"})
    assert not is_gone(None)


def test_a_process_stays_itself_when_the_clock_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux counts from its start, and computes that moment from the clock each time."""
    owner, later = this_process(), psutil.boot_time() + 3600
    for name in ("psutil.boot_time", "psutil._psplatform.boot_time"):
        monkeypatch.setattr(name, lambda: later)
    assert not is_gone(owner)
    assert is_this_process(owner)
    assert not is_this_process({**owner, "pid": os.getppid()})
    assert not is_this_process({**owner, "host": "elsewhere"})
    assert not is_this_process(None)


def test_the_kernel_may_waver_about_when_it_was_started() -> None:
    owner = this_process()
    assert not is_gone({**owner, "born": owner["born"] + 1})


CONTAINER = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]  # with the same host name
can_unshare = (
    shutil.which("unshare") and not subprocess.run([*CONTAINER, "true"], check=False, capture_output=True).returncode
)
SHOW = (
    "import json, sys, mnist_mlflow.processes as p; print(json.dumps(p.this_process()), flush=True); sys.stdin.read()"
)


@pytest.fixture
def elsewhere() -> Iterator[dict[str, object]]:
    """The identity of a process that runs in a container of this machine."""
    with subprocess.Popen(
        [*CONTAINER, sys.executable, "-c", SHOW], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout
        yield json.loads(child.stdout.readline())
        child.send_signal(signal.SIGKILL)


@pytest.mark.faults
@pytest.mark.skipif(not can_unshare, reason="needs the right to make namespaces")
def test_nothing_is_certain_of_a_process_in_another_container_with_the_same_host_name(
    elsewhere: dict[str, object],
) -> None:
    here = this_process()
    assert elsewhere["host"] == here["host"]
    assert elsewhere["pid"] != here["pid"]
    assert not is_gone(elsewhere)  # though no process here has its number and its start
    assert not is_this_process({**elsewhere, "pid": os.getpid()})
    assert not process_here(os.getpid()).items() <= {**elsewhere, "pid": os.getpid()}.items()


@pytest.mark.parametrize(
    ("there", "gone"),
    [
        ({"boot": "earlier"}, True),
        ({"boot": "earlier", "host": "other"}, False),
        ({"boot": "earlier", "installation": "other"}, False),
        ({"boot": "earlier", "pids": "pid:[1]"}, False),
        ({"boot": ""}, False),
        ({"boot": None}, False),
    ],
)
def test_a_process_is_gone_if_its_machine_was_started_again(
    there: dict[str, str], gone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = {"host": "here", "boot": "now", "pids": INITIAL, "installation": "abc"}
    monkeypatch.setattr(processes, "_machine", lambda: machine)
    owner = {**this_process(), **there}
    assert is_gone(owner) is gone
    monkeypatch.setattr(processes, "_machine", lambda: {**machine, "pids": "pid:[2]"})
    assert not is_gone({**owner, "pids": "pid:[2]"})  # a container is not the machine
    monkeypatch.setattr(processes, "_machine", lambda: {**machine, "installation": ""})
    assert not is_gone({**owner, "installation": ""})


def test_nothing_is_certain_of_owners_that_earlier_versions_wrote() -> None:
    owner = {key: value for key, value in this_process().items() if key in ("host", "pid", "born")}
    assert not is_gone({**owner, "pid": 2**22 + 1})
    assert not is_this_process(owner)


DEAF = """
import signal, time
from mnist_mlflow import processes
signal.signal(signal.SIGTERM, signal.SIG_IGN)
processes.LAST = 1
processes.end_with_launcher()
time.sleep(60)
"""


@pytest.mark.skipif(not hasattr(signal, "alarm"), reason="the system has no alarms")
def test_what_hears_no_signal_ends_too_where_its_launcher_is_gone() -> None:
    launcher = subprocess.Popen([sys.executable, "-c", ""])
    owner = {**process_here(launcher.pid), "born": 0.0}
    launcher.wait()
    environment = {**os.environ, LAUNCHER: json.dumps(owner)}
    deaf = subprocess.run([sys.executable, "-c", DEAF], env=environment, timeout=50, check=False)
    assert deaf.returncode == -signal.SIGALRM


def test_variables_that_a_thread_removes_meanwhile_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Environment(dict[str, str]):
        def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
            self.pop("LATER", None)
            return super().get(name, default)

    monkeypatch.setattr(os, "environ", Environment(FIRST="1", LATER="2"))
    assert variables_now() == {"FIRST": "1"}
