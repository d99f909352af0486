import os
import subprocess
import sys

import psutil
import pytest

from mnist_mlflow.processes import is_gone, is_this_process, this_process


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
