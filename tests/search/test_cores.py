import os
import shutil
import subprocess
import sys

import joblib
import pytest

from mnist_mlflow.processes import count_cores
from mnist_mlflow.search.cluster_task import variables_here
from mnist_mlflow.search.cores import THREADS, share_of_threads

MOUNT = "mount -t tmpfs none /sys/fs/cgroup && {write} && exec {python} -c '{code}'"
QUOTAS = {
    "v2": "echo 100000 100000 > /sys/fs/cgroup/cpu.max",
    "v1": "mkdir /sys/fs/cgroup/cpu && echo 100000 > /sys/fs/cgroup/cpu/cpu.cfs_quota_us && "
    "echo 100000 > /sys/fs/cgroup/cpu/cpu.cfs_period_us",
}
UNLIMITED = "echo max 100000 > /sys/fs/cgroup/cpu.max"
SHOW = """
import os, sys
import numpy, scipy.linalg, sklearn.decomposition
from mnist_mlflow.search.cores import respect_quota
respect_quota()
from threadpoolctl import threadpool_info
from mnist_mlflow.processes import count_cores
import xgboost
print(count_cores(), os.environ.get("OMP_NUM_THREADS"), {info["num_threads"] for info in threadpool_info()})
"""
can_mount = (
    shutil.which("unshare")
    and not subprocess.run(
        ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /sys/fs/cgroup"], check=False, capture_output=True
    ).returncode
)


def in_container(write: str) -> str:
    """What Python prints in a container with this quota."""
    script = MOUNT.format(write=write, python=sys.executable, code=SHOW)
    environment = {name: value for name, value in os.environ.items() if name not in THREADS}
    command = ["unshare", "-m", "sh", "-c", script]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.mark.skipif(not can_mount, reason="needs the right to mount")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is one core")
def test_a_containers_quota_counts_and_nothing_changes_without_one() -> None:
    for write in QUOTAS.values():
        assert in_container(write) == "1 1 {1}\n"
    cores = len(os.sched_getaffinity(0))
    assert in_container(UNLIMITED) == f"{cores} None {{{cores}}}\n"


@pytest.mark.skipif(count_cores() < 2, reason="there is one core")
@pytest.mark.parametrize("variables", [share_of_threads(count_cores()), variables_here()], ids=["here", "on a node"])
def test_one_core_is_one_thread_for_estimators_that_take_all_they_see(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in THREADS:
        monkeypatch.delenv(name, raising=False)
    assert joblib.effective_n_jobs(-1) > 1
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert joblib.effective_n_jobs(-1) == 1
