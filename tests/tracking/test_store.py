import socket
import time
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from mnist_mlflow.errors import Failure
from mnist_mlflow.tracking import store
from tests.conftest import ROOT, start_python


@pytest.fixture(autouse=True)
def forget_the_store() -> Iterator[None]:
    yield
    mlflow.set_tracking_uri(None)


def test_the_default_is_one_file_in_the_projects_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.project_root() == ROOT
    monkeypatch.setattr(store, "project_root", lambda: tmp_path / "project")
    monkeypatch.chdir(tmp_path)
    client = store.connect()
    assert mlflow.get_tracking_uri() == f"sqlite:///{tmp_path}/project/mlflow.db"
    location = client.get_experiment("0").artifact_location
    assert Path(location.removeprefix("file://")) == tmp_path / "project" / "mlruns" / "0"


def test_a_new_store_can_be_opened_by_several_processes_at_once(tmp_path: Path) -> None:
    code = "from mnist_mlflow.tracking.store import connect; connect()"
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"
    processes = [start_python(code, tmp_path, MLFLOW_TRACKING_URI=uri) for _ in range(4)]
    assert [(process.communicate()[1], process.returncode)[1] for process in processes] == [0] * 4


def test_an_unreachable_server_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    started = time.monotonic()
    with pytest.raises(Failure, match=rf"server http://127.0.0.1:{port} does not answer.*MLFLOW_TRACKING_URI"):
        store.connect()
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("uri", ["nonsense://x", "sqlite:////proc/none/mlflow.db"])
def test_a_store_that_cannot_be_is_refused(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(Failure, match=f"{uri} cannot be used"):
        store.connect()
