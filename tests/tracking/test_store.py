import socket
import time
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.tracking import store
from tests.conftest import ROOT, start_python


@pytest.fixture(autouse=True)
def forget_the_store() -> Iterator[None]:
    yield
    mlflow.set_tracking_uri(None)


@pytest.mark.parametrize("name", ["project", "a b #c é"])
def test_the_default_is_one_file_in_the_projects_root(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store.project_root() == ROOT
    monkeypatch.setattr(store, "project_root", lambda: tmp_path / name)
    monkeypatch.chdir(tmp_path)
    client = store.connect()
    assert (tmp_path / name / "mlflow.db").stat().st_size > 0
    run = client.create_run("0")
    client.log_text(run.info.run_id, "text", "file.txt")
    assert list((tmp_path / name / "mlruns" / "0").glob("*/artifacts/file.txt"))


def test_a_new_store_can_be_opened_by_several_processes_at_once(tmp_path: Path) -> None:
    code = "from mnist_mlflow.tracking.store import connect; connect()"
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"
    processes = [start_python(code, tmp_path, MLFLOW_TRACKING_URI=uri) for _ in range(4)]
    assert [(process.communicate()[1], process.returncode)[1] for process in processes] == [0] * 4


def test_a_store_that_is_being_created_is_waited_for(tmp_path: Path) -> None:
    code = "from mnist_mlflow.tracking.store import connect; connect()"
    path = tmp_path / "mlflow.db"
    first = start_python(code, tmp_path, MLFLOW_TRACKING_URI=f"sqlite:///{path}")
    while not path.exists() and first.poll() is None:
        time.sleep(0.01)
    others = []
    for _ in range(3):
        others.append(start_python(code, tmp_path, MLFLOW_TRACKING_URI=f"sqlite:///{path}"))
        time.sleep(0.3)
    failed = [errors for process in (first, *others) if (errors := process.communicate()[1]) and process.returncode]
    assert failed == []


def test_a_relative_address_means_the_folder_where_it_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///below/mlflow.db")
    store.connect()
    assert [path.name for path in (tmp_path / "below").iterdir() if path.suffix == ".db"] == ["mlflow.db"]
    assert mlflow.get_tracking_uri() == f"sqlite:///{tmp_path}/below/mlflow.db"


def test_an_unreachable_server_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    started = time.monotonic()
    with pytest.raises(UserFacingError, match=rf"store http://127.0.0.1:{port} cannot be used: .*MLFLOW_TRACKING_URI"):
        store.connect()
    assert time.monotonic() - started < 10


def test_a_file_that_cannot_be_opened_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}")
    started = time.monotonic()
    with pytest.raises(UserFacingError, match="unable to open database file"):
        store.connect()
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("uri", ["nonsense://x", "sqlite:////proc/none/mlflow.db"])
def test_a_store_that_cannot_be_is_refused(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(UserFacingError, match=f"{uri} cannot be used"):
        store.connect()
