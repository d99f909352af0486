"""The server as a process: its start, its end, and the addresses at which it cannot listen."""

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from mnist_mlflow.jobs.serving.server import Service, _Server, listen

Command = Callable[..., tuple[int, str, str]]
TAKEN = "something else listens there. End it, or take another port: python -m mnist_mlflow serve --port"


@pytest.fixture
def taken() -> Iterator[int]:
    """The port of a socket that listens."""
    with listen("127.0.0.1", 0) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def process(logged: Path, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """The server of a model, which needs no store."""
    command = [sys.executable, "-m", "mnist_mlflow", "serve", "--model", str(logged), "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=pipe, stderr=pipe, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


@pytest.mark.slow
def test_a_server_says_where_it_is_and_ends_after_what_is_under_way(
    process: "subprocess.Popen[str]", logged: Path, png: bytes
) -> None:
    assert process.stdout is not None
    line = process.stdout.readline()
    address = re.fullmatch(rf"{re.escape(str(logged))} answers at http://127\.0\.0\.1:(\d+)/ until Ctrl-C\.\n", line)
    assert address, line
    port = int(address[1])
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.putrequest("POST", "/digit")
        connection.putheader("Content-Length", str(len(png)))
        connection.endheaders(png[:20])
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as other:
            other.request("GET", "/health")
            assert other.getresponse().read().startswith(b'{"status":"ok"')  # so the first has been heard too
            process.send_signal(signal.SIGTERM)
            connection.send(png[20:])
            reply = connection.getresponse()
        assert (reply.status, b'"digit":1' in reply.read()) == (200, True)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (0, "", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_ends_a_server_and_is_not_sent_again(signals: None, number: int) -> None:
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_DFL)
    server = _Server(uvicorn.Config(FastAPI()))
    with server.capture_signals():
        os.kill(os.getpid(), number)
        assert server.should_exit
    signal.signal(number, signal.SIG_IGN)  # as after `nohup`
    with _Server(uvicorn.Config(FastAPI())).capture_signals():
        assert signal.getsignal(number) == signal.SIG_IGN


def test_a_port_that_is_taken_is_told_before_a_model_loads(command: Command, taken: int) -> None:
    status, output, errors = command("serve", "--model=none", f"--port={taken}")
    assert (status, output) == (2, "")
    assert errors == f"Error: The server cannot listen at 127.0.0.1, port {taken}: {TAKEN} {taken + 1}\n"


@pytest.mark.parametrize(("host", "words"), [("192.0.2.1", "has no such address"), ("a..b", "there is no such host")])
def test_an_address_that_is_not_here_is_told(command: Command, host: str, words: str) -> None:
    status, _, errors = command("serve", "--model=none", f"--host={host}")
    assert (status, len(errors.splitlines())) == (2, 1)
    assert words in errors


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", r"http://127\.0\.0\.1:\d+/"), ("0.0.0.0", r"http://(?!0\.0\.0\.0)[\d.]+:\d+/")],
)
def test_the_address_can_be_typed_into_a_browser(host: str, address: str) -> None:
    with listen(host, 0) as listener:
        assert re.fullmatch(address, Service(FastAPI(), listener, "a model").address)


def test_connections_send_at_once() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.skipif(not socket.has_ipv6, reason="without IPv6")
def test_addresses_of_version_six_have_brackets() -> None:
    try:
        listener = listen("::1", 0)
    except Exception as error:
        pytest.skip(str(error))
    with listener:
        assert re.fullmatch(r"http://\[::1\]:\d+/", Service(FastAPI(), listener, "a model").address)
