"""A logged model behind a server of its own, as `mlflow models serve` starts one."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import requests

from benchmarks.process import free_port, timed
from mnist_mlflow.data.mnist import load_mnist
from mnist_mlflow.types import silent

REQUESTS = 100
SERVER_STARTS = 120  # seconds at most


def request_latency(store: str, model: str) -> dict[str, float]:
    """Milliseconds a request with one image: the median, and the 95th percentile."""
    with served(store, model) as address, requests.Session() as session:
        bodies = [{"inputs": [image.tolist()]} for image in load_mnist(silent)[0].images[:REQUESTS]]
        _ask(session, address, bodies[0])
        seconds = [timed(partial(_ask, session, address, body))[1] for body in bodies]
    return {"median_ms": 1000 * float(np.median(seconds)), "p95_ms": 1000 * float(np.percentile(seconds, 95))}


def _ask(session: requests.Session, address: str, body: dict[str, Any]) -> None:
    session.post(f"{address}/invocations", json=body, timeout=30).raise_for_status()


@contextmanager
def served(store: str, model: str) -> Iterator[str]:
    """The address of `mlflow models serve`, on a port that was free."""
    port = str(free_port())
    options = ["--env-manager", "local", "--host", "127.0.0.1", "--port", port, "--workers", "1"]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", model, *options]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "MLFLOW_TRACKING_URI": store}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait_for(f"http://127.0.0.1:{port}", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=30)


def _wait_for(address: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + SERVER_STARTS
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(requests.RequestException):
            if requests.get(f"{address}/ping", timeout=5).ok:
                return
        time.sleep(0.3)
    raise RuntimeError(f"{address} does not answer; the server ended with {server.poll()}.")
