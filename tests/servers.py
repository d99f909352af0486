"""A tracking server that answers as a test wants it to, over HTTP or TLS."""

import contextlib
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

EXPERIMENT = '{"experiments": [{"experiment_id": "0", "name": "Default", "artifact_location": "mlflow-artifacts:/0"}]}'
ANSWERS = {"/version": (200, "3.17.2"), "/api/2.0/mlflow/experiments/search": (200, EXPERIMENT)}


@dataclass
class FakeServer:
    """What to answer to paths (to all others `{}`), the seconds before a first answer, and the requests that came."""

    answers: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    delay: float = 0.0
    requests: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def answer(self, path: str, headers: Mapping[str, str]) -> tuple[int, str]:
        time.sleep(0 if self.requests else self.delay)
        self.requests.append((path, headers))
        return {**ANSWERS, **self.answers}.get(path, (200, "{}"))


@contextlib.contextmanager
def serving(fake: FakeServer, port: int = 0, certificate: Path | None = None) -> Iterator[str]:
    """The address of a server on loopback; with TLS if there is a certificate, whose key lies beside it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            self.rfile.read(length)
            status, body = fake.answer(self.path, dict(self.headers))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
    thread.start()
    try:
        yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that no authority has signed, and its key beside it."""
    path = folder / "house.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(path.with_suffix(".key")), "-out", str(path)),
        ],
        check=True,
        capture_output=True,
    )
    return path
