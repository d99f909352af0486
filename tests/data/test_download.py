import hashlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from mnist_mlflow.data import download
from mnist_mlflow.data.download import DownloadError, fetch
from mnist_mlflow.errors import DataError
from mnist_mlflow.types import silent
from tests.conftest import start_python

CONTENT = bytes(range(256)) * 400
Server = tuple[str, list[str]]  # its address, and the paths that it was asked for


class Mirror(BaseHTTPRequestHandler):
    """Behaves as the first folder of the path says; counts what it was asked for."""

    requests: ClassVar[list[str]]

    def do_GET(self) -> None:
        self.requests.append(self.path)
        behaviour = self.path.split("/")[1]
        asked_before = self.requests.count(self.path) - 1
        if behaviour == "fail" or (behaviour == "recover" and not asked_before):
            self.send_error(503)
            return
        body = CONTENT[:-1] + b"!" if behaviour == "corrupt" else CONTENT
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if behaviour == "stall":
            time.sleep(3)
        if behaviour == "slow":
            time.sleep(1)
        self.wfile.write(body[:1000] if behaviour == "truncate" else body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(Mirror):
        requests: ClassVar[list[str]] = []

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        listening.block_on_close = False
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}/", Handler.requests
        listening.shutdown()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.01)
    monkeypatch.setattr(download, "TIMEOUT", (0.5, 0.5))


def verify(raw: bytes) -> None:
    if raw != CONTENT:
        raise DataError("other content than expected")


@pytest.mark.parametrize("behaviour", ["fail", "stall", "truncate", "corrupt"])
def test_goes_on_to_the_next_mirror(server: Server, tmp_path: Path, behaviour: str) -> None:
    address, requests = server
    fetch(tmp_path / "file", (f"{address}{behaviour}/", f"{address}good/"), verify, silent)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert requests == [f"/{behaviour}/file", "/good/file"]


@pytest.mark.parametrize("behaviour", ["fail", "stall", "truncate", "corrupt"])
def test_leaves_nothing_behind_when_all_mirrors_are_bad(server: Server, tmp_path: Path, behaviour: str) -> None:
    address, _ = server
    with pytest.raises(DownloadError, match=f"file could not be downloaded.*{behaviour}"):
        fetch(tmp_path / "file", (f"{address}{behaviour}/",), verify, silent)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == []


def test_tries_a_mirror_again(server: Server, tmp_path: Path) -> None:
    address, requests = server
    fetch(tmp_path / "file", (f"{address}recover/",), verify, silent)
    assert requests == ["/recover/file"] * 2


def test_asks_the_mirrors_by_turns_and_waits_longer_after_each_round(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    with pytest.raises(DownloadError):
        fetch(tmp_path / "file", (f"{server[0]}fail/", f"{server[0]}corrupt/"), verify, silent)
    assert pauses == [0.01, 0.02]
    assert server[1] == ["/fail/file", "/corrupt/file"] * 3


def test_reports_progress(server: Server, tmp_path: Path) -> None:
    reports: list[tuple[str, int, int]] = []
    fetch(tmp_path / "file", (f"{server[0]}good/",), verify, lambda *report: reports.append(report))
    assert {what for what, _, _ in reports} == {"download file"}
    assert reports[0][1] < len(CONTENT)
    assert reports[-1][1:] == (len(CONTENT), len(CONTENT))


def test_two_processes_download_once_and_see_a_whole_file(server: Server, tmp_path: Path) -> None:
    address, requests = server
    code = f"""
import hashlib, pathlib
from mnist_mlflow.data.download import fetch
target = pathlib.Path("file")
fetch(target, ("{address}slow/",), lambda raw: None, lambda *report: None)
print(hashlib.sha256(target.read_bytes()).hexdigest(), end="")
"""
    processes = [start_python(code, tmp_path) for _ in range(3)]
    assert {process.communicate()[0] for process in processes} == {hashlib.sha256(CONTENT).hexdigest()}
    assert requests == ["/slow/file"]


def test_what_a_killed_process_left_is_written_over(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".file.part").write_bytes(bytes(10**6))
    fetch(tmp_path / "file", (f"{server[0]}good/",), verify, silent)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert {path.name for path in tmp_path.iterdir()} <= {"file", "file.lock"}
