"""A tracking server on loopback that can be killed and started again, and a proxy before it that misbehaves."""

import base64
import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from benchmarks.process import free_port

START = 60  # seconds


class Server:
    """`mlflow server` on SQLite, with its artifacts, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        options = {
            "--backend-store-uri": f"sqlite:///{self.folder}/mlflow.db",
            "--artifacts-destination": str(self.folder / "artifacts"),
            "--host": "127.0.0.1",
            "--port": str(self.port),
            "--workers": "1",
        }
        words = [word for option in options.items() for word in option]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *words],
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self.wait()
        except BaseException:
            self.kill()
            raise

    def wait(self) -> None:
        end = time.monotonic() + START
        while not self.answers():
            assert self.process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.uri}/health", timeout=5).ok
        except requests.RequestException:
            return False

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def account_of(authorization: str | None) -> str:
    """The name of the account that a request's header names."""
    return base64.b64decode((authorization or "").removeprefix("Basic ")).decode().split(":")[0]


class Proxy(ThreadingHTTPServer):
    """A proxy before a server; `refuse(method, path, body)` is the status of a refusal, 1 for no answer at all."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), Forwarding)
        self.target = port
        self.uri = f"http://127.0.0.1:{self.server_address[1]}"
        self.refuse: Callable[[str, str, bytes], int] = lambda method, path, body: 0
        self.requests: list[tuple[str, str, str]] = []  # account, method and path of each
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing where the server is gone."""


class Forwarding(BaseHTTPRequestHandler):
    server: Proxy

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        self.close_connection = True
        if self.raw_requestline and self.parse_request():
            self.forward()

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append((account_of(self.headers.get("Authorization")), self.command, self.path))
        if status := self.server.refuse(self.command, self.path, body):
            if status > 1:
                self.send_error(status)
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.server.target)
        headers = {name: value for name, value in self.headers.items() if name != "Transfer-Encoding"}
        connection.request(self.command, self.path, body, {**headers, "Connection": "close"})
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type") or "")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Print nothing."""
