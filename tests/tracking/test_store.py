import socket
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.tracking import store as store_module
from tests.conftest import ROOT, python


@pytest.fixture(autouse=True)
def forget_the_store() -> Iterator[None]:
    yield
    mlflow.set_tracking_uri(None)


@pytest.mark.parametrize("name", ["project", "a b #c é"])
def test_the_default_is_one_file_in_the_projects_root(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store_module.project_root() == ROOT
    monkeypatch.setattr(store_module, "project_root", lambda: tmp_path / name)
    monkeypatch.chdir(tmp_path)
    client = store_module.connect()
    assert (tmp_path / name / "mlflow.db").stat().st_size > 0
    run = client.create_run("0")
    client.log_text(run.info.run_id, "text", "file.txt")
    assert list((tmp_path / name / "mlruns" / "0").glob("*/artifacts/file.txt"))


# Each opens the store in a fork of a process that has imported everything: imports would take most of the time.
OPENED = """
import time
from pathlib import Path
import alembic.command, mlflow.store.tracking.sqlalchemy_store, sqlalchemy.dialects.sqlite
from mnist_mlflow.tracking.store import connect
from tests.soak.forks import fork, wait_for_end

folder = Path({folder!r})
openers, end = [fork(connect, folder), fork(connect, folder)], time.monotonic() + 60
while not (folder / "new" / "mlflow.db").exists() and time.monotonic() < end:
    time.sleep(0.01)
openers += [fork(connect, folder), fork(connect, folder)]
print(*map(wait_for_end, openers))
"""


def test_several_processes_can_open_a_new_store_at_once_and_while_one_creates_it(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"
    printed = python(OPENED.format(folder=str(tmp_path)), ROOT, MLFLOW_TRACKING_URI=uri)
    assert printed == "0 0 0 0\n", (tmp_path / "printed.txt").read_text()


def test_a_relative_address_means_the_folder_where_it_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///below/mlflow.db")
    store_module.connect()
    assert [path.name for path in (tmp_path / "below").iterdir() if path.suffix == ".db"] == ["mlflow.db"]
    assert mlflow.get_tracking_uri() == f"sqlite:///{tmp_path}/below/mlflow.db"


@pytest.mark.timeout(60)  # MLflow's own retries take minutes
def test_an_unreachable_server_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    with pytest.raises(UserFacingError, match=rf"server http://127.0.0.1:{port} cannot be used: .*MLFLOW_TRACKING_URI"):
        store_module.connect()


@pytest.mark.timeout(60)
def test_a_file_that_cannot_be_opened_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}")
    with pytest.raises(UserFacingError, match="unable to open database file"):
        store_module.connect()


@pytest.mark.parametrize("uri", ["nonsense://x", "sqlite:////proc/none/mlflow.db"])
def test_a_store_that_cannot_be_is_refused(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(UserFacingError, match=f"{uri} cannot be used"):
        store_module.connect()


def test_a_new_experiment_keeps_its_artifacts_beside_the_store_whatever_the_current_folder(
    store: mlflow.MlflowClient, tmp_path: Path
) -> None:
    experiment = store.get_experiment(store.create_experiment("new"))
    assert Path(experiment.artifact_location) == tmp_path / "mlruns" / experiment.experiment_id
