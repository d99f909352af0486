"""Many requests at once, and the memory of the server that answers them.

Half an hour of them: python -m benchmarks.tasks.load --model models:/mnist-digits@champion --minutes 30
"""

import base64
import contextlib
import http.client
import io
import json
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from typing import Any

import click
import mlflow
import numpy as np
import psutil

from benchmarks.process import MB, timed
from benchmarks.tasks.serving import COMMANDS, running
from mnist_mlflow.data.mnist import load_mnist
from mnist_mlflow.types import Images, silent

JSON = "application/json"
MANY = 1_000  # images in a large request
BAD_EVERY, BAD = 100, (b"no images", JSON)  # one in so many requests is one that has to be refused
CLIENTS = 8
PUT_OFF = 429

Body = tuple[bytes, str]  # and its media type


def load(store: str, model: str, server: str, seconds: float) -> dict[str, Any]:
    """The figures of one client, of eight at once, and of requests with a thousand images in each form."""
    images = load_mnist(silent)[0].images[:MANY]
    small = [_as_json(image[None]) for image in images[:100]]
    large = {"JSON": _as_json(images), "npy in JSON": _as_npy(images)}
    if server == "serve":
        large["npy"] = (_saved(images), "application/octet-stream")
    with running(server, store, model) as (address, pid):
        figures = {f"{clients}": ask(address, small, clients, seconds) for clients in (1, CLIENTS)}
        thousands = {form: ask(address, [body], 1, seconds)["p50_ms"] for form, body in large.items()}
        reading = 1000 * min(timed(lambda: json.loads(large["JSON"][0]))[1] for _ in range(5))
        return {"clients": figures, "thousands": thousands, "reading_ms": reading, "mb": memory_mb(pid)}


def ask(address: str, bodies: list[Body], clients: int, seconds: float) -> dict[str, float]:
    """Requests a second, and the latency of those that are no mistake, of clients that ask one after the other."""
    with ProcessPoolExecutor(clients) as pool:
        waits = np.concatenate(list(pool.map(_client, repeat(address, clients), repeat(bodies), repeat(seconds))))
    median, high = 1000 * np.percentile(waits, (50, 99))
    return {"requests_a_second": len(waits) / seconds, "p50_ms": float(median), "p99_ms": float(high)}


def _client(address: str, bodies: list[Body], seconds: float) -> list[float]:
    """The seconds that each request took. A mistake is sent now and then, and has to cost its own 400 alone."""
    waits: list[float] = []
    ends = time.monotonic() + seconds
    with contextlib.closing(http.client.HTTPConnection(address.removeprefix("http://"))) as connection:
        while time.monotonic() < ends:
            body = bodies[len(waits) % len(bodies)]
            waits.append(_post(connection, body, 200))
            if len(waits) % BAD_EVERY == 0:
                _post(connection, BAD, 400)
    return waits


def _post(connection: http.client.HTTPConnection, body: Body, status: int) -> float:
    """The seconds that a request takes; one that the server puts off, as it bounds its clients, is sent again."""
    content, media_type = body
    began = time.perf_counter()
    connection.request("POST", "/invocations", content, {"Content-Type": media_type})
    with connection.getresponse() as answer:
        text = answer.read()
    seconds = time.perf_counter() - began
    if answer.status == PUT_OFF:
        time.sleep(float(answer.headers["Retry-After"]))
        return _post(connection, body, status)
    if answer.status != status:
        raise RuntimeError(f"The server answered {answer.status} in place of {status}: {text[:300]!r}")
    return seconds


def _as_json(images: Images) -> Body:
    return json.dumps({"inputs": images.tolist()}).encode(), JSON


def _as_npy(images: Images) -> Body:
    return json.dumps({"inputs": {"npy": base64.b64encode(_saved(images)).decode()}}).encode(), JSON


def _saved(images: Images) -> bytes:
    file = io.BytesIO()
    np.save(file, images)
    return file.getvalue()


def memory_mb(pid: int) -> float:
    """The resident memory of a process and its children."""
    process = psutil.Process(pid)
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True))) / MB


def soak(store: str, model: str, server: str, minutes: int, seconds: float = 60) -> list[float]:
    """The memory in megabytes after each minute of the load of eight clients; prints a line for each."""
    small = [_as_json(image[None]) for image in load_mnist(silent)[0].images[:100]]
    mbs: list[float] = []
    with running(server, store, model) as (address, pid):
        for minute in range(1, minutes + 1):
            figures = ask(address, small, CLIENTS, seconds)
            mbs.append(memory_mb(pid))
            latency = "{requests_a_second:.0f} requests a second, p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms"
            growth = f"{mbs[-1]:.1f} MB, growing by {slope(mbs):.1f} MB an hour"
            click.echo(f"{server}, minute {minute}: {latency.format_map(figures)}, {growth}")
    return mbs


def slope(mbs: list[float]) -> float:
    """By how many megabytes an hour the memory grows, of one figure a minute. The first third is warming up."""
    warm = mbs[len(mbs) // 3 :]
    return 60 * float(np.polyfit(range(len(warm)), warm, 1)[0]) if len(warm) > 1 else 0.0


@click.command(help=__doc__)
@click.option("--model", required=True, help="The URI or the folder of a logged model.")
@click.option("--server", "servers", multiple=True, type=click.Choice(list(COMMANDS)), default=list(COMMANDS))
@click.option("--minutes", default=30, show_default=True, type=click.IntRange(1), help="Of each server.")
def main(model: str, servers: list[str], minutes: int) -> None:
    """Print a line for each minute."""
    for server in servers:
        soak(mlflow.get_tracking_uri(), model, server, minutes)


if __name__ == "__main__":
    main()
