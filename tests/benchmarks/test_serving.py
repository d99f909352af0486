"""The load on a server, with a server that takes no model."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.measure import serving
from benchmarks.measure.store import Store
from benchmarks.report.serving import serving as report
from benchmarks.tasks import load

IMAGE = (b'{"inputs": []}', load.JSON)


class Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    refuses, put_off = True, 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_bad = (body, self.headers["Content-Type"]) == load.BAD
        puts_off, Answering.put_off = Answering.put_off > 0, Answering.put_off - 1
        self.send_response(429 if puts_off else 400 if is_bad and self.refuses else 200)
        self.send_header("Retry-After", "0.1")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_client_asks_until_its_time_is_over(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "BAD_EVERY", 2)
    waits = load._client(address, [IMAGE], 0.2)
    assert len(waits) > 2
    assert 0 < sum(waits) < 0.5


def test_a_mistake_that_is_not_refused_ends_the_measurement(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "BAD_EVERY", 2)
    monkeypatch.setattr(Answering, "refuses", False)
    with pytest.raises(RuntimeError, match="answered 200 in place of 400"):
        load._client(address, [IMAGE], 10)


def test_a_request_that_is_put_off_is_sent_again_and_the_wait_is_not_its_time(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answering, "put_off", 2)
    slept: list[float] = []
    monkeypatch.setattr("benchmarks.tasks.load.time.sleep", slept.append)
    assert len(load._client(address, [IMAGE], 0.1)) > 0
    assert slept.count(0.1) == 2


def test_the_growth_is_that_of_the_warm_server() -> None:
    assert load.slope([100]) == 0
    assert load.slope([100, 200, 300, 300, 300, 300, 300, 300, 300]) == pytest.approx(0, abs=1e-6)
    assert load.slope([100, 200, *range(300, 310)]) == pytest.approx(60)


def test_both_servers_answer_with_the_same_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "models", lambda store: {"mlp": {"model": "models:/m-1"}})
    monkeypatch.setattr(serving, "run_task", lambda task, **arguments: (task, arguments["server"], arguments["model"]))
    figures = serving.measure_serving(Store(tmp_path, 0))
    assert figures == {"model": "mlp", **{name: ("load.load", name, "models:/m-1") for name in ("mlflow", "serve")}}


ONE = {"requests_a_second": 300.0, "p50_ms": 3.0, "p99_ms": 9.0}


def measured(*, rate: float = 251, p99: float = 9, thousand: float = 170) -> dict[str, Any]:
    clients = {"1": ONE | {"p99_ms": p99}, "8": ONE | {"requests_a_second": rate}}
    return {"clients": clients, "thousands": {"JSON": thousand, "npy in JSON": 60.0}, "reading_ms": 51.0, "mb": 300.0}


@pytest.mark.parametrize(
    ("change", "verdicts"),
    [
        ({}, ["reached", "reached"]),
        ({"rate": 249}, ["not reached", "reached"]),
        ({"p99": 10.1}, ["not reached", "reached"]),
        ({"thousand": 172}, ["reached", "not reached"]),
    ],
)
def test_the_report_says_what_is_reached(change: dict[str, float], verdicts: list[str]) -> None:
    sections = report({"model": "mlp", "mlflow": measured(**change), "serve": measured()})
    rows = [next(line for line in section.splitlines() if "`mlflow models serve`" in line) for section in sections]
    assert [row.split("|")[-2].strip() for row in rows] == verdicts
