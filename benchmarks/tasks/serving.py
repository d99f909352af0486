"""How long a logged model takes to answer: through `mlflow.pyfunc`, and over REST."""

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
from mnist_mlflow.types import Images, silent

SINGLE = REQUESTS = 100
BATCH, BATCHES = 1_000, 5
SERVER_STARTS = 120  # seconds at most


def predict_latency(store: str, model: str) -> dict[str, float]:
    """Median milliseconds an image through `mlflow.pyfunc`, one at a time and in a batch of a thousand."""
    import mlflow

    mlflow.set_tracking_uri(store)
    loaded, images = mlflow.pyfunc.load_model(model), _images()
    loaded.predict(images)  # what is done once is not timed
    single = [timed(partial(loaded.predict, images[row : row + 1]))[1] for row in range(SINGLE)]
    batched = [timed(partial(loaded.predict, images))[1] for _ in range(BATCHES)]
    return {"single_ms": 1000 * float(np.median(single)), "batched_ms": 1000 * float(np.median(batched)) / BATCH}


def accuracies(store: str, models: dict[str, str]) -> dict[str, float]:
    """The accuracy of each of these models, of which the addresses are given, on the test images."""
    import mlflow

    mlflow.set_tracking_uri(store)
    test = load_mnist(silent)[1]
    answers = {name: mlflow.pyfunc.load_model(uri).predict(test.images)["digit"] for name, uri in models.items()}
    return {name: float(np.mean(digits.to_numpy() == test.labels)) for name, digits in answers.items()}


def request_latency(store: str, model: str) -> dict[str, float]:
    """Milliseconds that a request with one image takes: the median, and what 95 in 100 stay under."""
    with served(store, model) as address, requests.Session() as session:
        bodies = [{"inputs": [image.tolist()]} for image in _images()[:REQUESTS]]
        _ask(session, address, bodies[0])
        seconds = [timed(partial(_ask, session, address, body))[1] for body in bodies]
    return {"median_ms": 1000 * float(np.median(seconds)), "p95_ms": 1000 * float(np.percentile(seconds, 95))}


def _images() -> Images:
    return load_mnist(silent)[0].images[:BATCH]


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
    with tempfile.TemporaryFile("w+") as log:
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
