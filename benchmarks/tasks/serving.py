"""A logged model behind a server of its own: that of `mlflow models serve`, or that of `serve`."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from benchmarks.process import free_port

SERVER_STARTS = 120  # seconds at most
COMMANDS = {
    "mlflow": "mlflow models serve -m {model} --env-manager local --host 127.0.0.1 --port {port} --workers 1",
    "serve": "mnist_mlflow serve --model {model} --port {port}",
}


@contextmanager
def running(server: str, store: str, model: str) -> Iterator[tuple[str, int]]:
    """The address of a server, one of COMMANDS, on a port that was free, and the number of its process."""
    port = str(free_port())
    command = [sys.executable, "-m", *(word.format(model=model, port=port) for word in COMMANDS[server].split())]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "MLFLOW_TRACKING_URI": store}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait_for(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


def _wait_for(address: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + SERVER_STARTS
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(requests.RequestException):
            if requests.get(f"{address}/ping", timeout=5).ok:
                return
        time.sleep(0.3)
    raise RuntimeError(f"{address} does not answer; the server ended with {server.poll()}.")
