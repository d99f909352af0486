"""Fresh processes: each measurement has one of its own."""

import functools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parents[1]
MB = 1_000_000


def run_python(*arguments: str, **environment: str) -> str:
    """The output of a fresh Python; raises ClickException, with its last words, when it fails."""
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = "\n".join(done.stderr.strip().splitlines()[-3:])
        raise click.ClickException(f"python {' '.join(arguments)} ended with {done.returncode}:\n{reason}")
    return done.stdout


def run_task(task: str, /, **arguments: Any) -> Any:
    """The record of a task of tasks/, which finds MNIST and an empty feature cache; `rows.ours` is one."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {"MNIST_MLFLOW_DATA_DIR": data_folder(), "XDG_CACHE_HOME": cache}
        return _record(task, arguments, environment)


@functools.cache
def data_folder() -> str:
    """The folder that holds MNIST."""
    folder: str = _record("data.folder", {}, {})
    return folder


def _record(task: str, arguments: dict[str, Any], environment: dict[str, str]) -> Any:
    printed = run_python("-m", "benchmarks.tasks", task, json.dumps(arguments), **environment)
    return json.loads(printed.splitlines()[-1])


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """The result of some work, and the seconds it took."""
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def peak_mb() -> float:
    """The memory of this process at its peak."""
    import resource  # which Windows has not

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MB
