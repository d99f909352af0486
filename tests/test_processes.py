import os
import subprocess
import sys

import psutil

from mnist_mlflow.processes import is_gone, this_process


def test_a_process_is_told_from_a_later_one_with_its_number() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    born = psutil.Process(child.pid).create_time()
    owner = {**this_process(), "pid": child.pid, "born": born}
    assert not is_gone(owner)
    assert is_gone({**owner, "born": born - 1})
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(owner)  # though its parent has not looked after it yet
    child.communicate()
    assert is_gone(owner)
    assert not is_gone({**owner, "host": "elsewhere"})
    assert not is_gone(None)
