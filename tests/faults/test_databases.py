"""Databases as tracking stores: a real PostgreSQL, and SQLite addresses as SQLAlchemy reads them."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from benchmarks.measure.postgresql import is_installed, postgresql, stopped
from benchmarks.process import free_port
from mnist_mlflow import interrupts
from mnist_mlflow.algorithms import knn
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import databases
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.jobs.train import train
from mnist_mlflow.model.scorers.base import Scorer
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.search.studies import open_storage
from mnist_mlflow.tracking import parcels
from mnist_mlflow.tracking.store import connect, open_store, registry_lock, store_uri, studies_uri
from mnist_mlflow.types import silent
from tests.conftest import ROOT

pytestmark = pytest.mark.timeout(120)  # MLflow's own retries take almost two minutes


@pytest.fixture(autouse=True)
def forget_the_store() -> Iterator[None]:
    yield
    mlflow.set_tracking_uri(None)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a PostgreSQL that asks the user `locked` for a password."""
    if not is_installed():
        pytest.skip("PostgreSQL's server is not installed: apt-get install postgresql")
    import psycopg

    with postgresql() as address:
        with psycopg.connect(address, autocommit=True) as connection:
            (file,) = connection.execute("SHOW hba_file").fetchone() or ("",)
            connection.execute("CREATE ROLE locked LOGIN SUPERUSER PASSWORD 'right'")
            rule = "host all locked all scram-sha-256\n"
            Path(file).write_text(rule + Path(file).read_text())
            connection.execute("SELECT pg_reload_conf()")
        yield address


def refusal(address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The line with which an address is refused before MLflow opens it, which tries again for minutes."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setattr("mnist_mlflow.tracking.store._open", lambda uri: pytest.fail("MLflow opened it"))
    with pytest.raises(UserFacingError) as caught:
        connect()
    (line,) = str(caught.value).splitlines()
    assert "secret" not in line
    return line


def test_a_server_that_is_down_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    line = refusal(f"postgresql://me:secret@127.0.0.1:{free_port()}/mlflow", monkeypatch)
    assert "no server answered" in line


def test_a_server_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "PATIENCE", 2)  # the least that the driver takes; ten otherwise
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        line = refusal(f"postgresql://me:secret@127.0.0.1:{deaf.getsockname()[1]}/mlflow", monkeypatch)
    assert "no server answered within 2 seconds" in line


def test_a_wrong_password_and_a_missing_database_have_their_lines(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host = server.partition("@")[2]
    assert "the password is wrong" in refusal(f"postgresql://locked:secret@{host}", monkeypatch)
    assert "no such database" in refusal(f"{server}-that-is-not-there", monkeypatch)
    with pytest.raises(UserFacingError, match="the password is wrong"):
        open_storage(f"postgresql://locked:secret@{host}")
    with pytest.raises(UserFacingError, match="no such database"):
        open_storage(f"{server}-that-is-not-there")


def test_a_missing_driver_is_one_line_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    line = refusal("postgresql://me:secret@127.0.0.1/mlflow", monkeypatch)
    assert 'Type: pip install "mnist-mlflow[postgresql]"' in line
    assert "Type: pip install pymysql" in refusal("mysql+pymysql://me:secret@127.0.0.1/mlflow", monkeypatch)
    assert "driver" in refusal("postgresql+nosuch://me:secret@127.0.0.1/mlflow", monkeypatch)


def restart(server: str) -> threading.Timer:
    """Stop a server as a crash does; a timer starts it again."""
    down = contextlib.ExitStack()
    down.enter_context(stopped(server))
    timer = threading.Timer(1.5, down.close)
    timer.start()
    return timer


@pytest.mark.usefixtures("engines")
def test_a_database_server_may_restart_while_a_search_learns(
    server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import psycopg

    def fit_while_the_server_restarts(*arguments: Any) -> Scorer:
        fits.append(1)
        if len(fits) in (2, 4):  # the second trial, and the learning at the end
            timers.append(restart(server))
        return fit(*arguments)

    fits: list[int] = []
    timers: list[threading.Timer] = []
    fit = knn.fit
    monkeypatch.setattr(knn, "fit", fit_while_the_server_restarts)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE studies")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(parcels, "_folders", lambda: [tmp_path / "unsent"])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setenv("OPTUNA_STORAGE", f"{server.rpartition('/')[0]}/studies")
    options = DataOptions("digits", train_size=200, trials=3)
    try:
        result = train(Task("knn", {"features": "pixels", "components": 0}, options), silent)
    finally:
        for timer in timers:
            timer.join()
    assert len(timers) == 2
    runs = {run.info.run_name: run for run in connect().search_runs(["0"])}
    search = "knn features=pixels components=0 train_size=200 search of 3 trials"
    assert {name: run.info.status for name, run in runs.items()} == dict.fromkeys(
        (search, "trial-000", "trial-001", "trial-002"), "FINISHED"
    )
    assert runs[search].data.metrics["val_accuracy"] == result.metrics["val_accuracy"]


@pytest.mark.parametrize(("retries", "seconds"), [("0", 0), ("2", 4), ("7", 244), ("8", 364)])
def test_a_database_is_waited_for_as_long_as_a_tracking_server(
    retries: str, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", retries)
    assert databases.seconds_of_retries() == seconds


@pytest.mark.parametrize(
    ("address", "file", "absolute"),
    [
        ("sqlite:///x.db?timeout=60", "x.db", "sqlite:///{folder}/x.db?timeout=60"),
        ("sqlite+pysqlite:///below/x.db", "below/x.db", "sqlite+pysqlite:///{folder}/below/x.db"),
        ("sqlite:///file:x.db?mode=rwc&uri=true", "x.db", "sqlite:///file:{folder}/x.db?mode=rwc&uri=true"),
        ("sqlite:///a%20b/%C3%A9%25.db", "a b/é%.db", "sqlite:///{folder}/a b/é%25.db"),
    ],
)
def test_a_sqlite_address_is_read_as_sqlalchemy_reads_it(
    address: str, file: str, absolute: str, new_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_bytes(new_store.read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    connect().create_experiment("new")
    with contextlib.closing(sqlite3.connect(tmp_path / file)) as database:
        assert ("new",) in database.execute("SELECT name FROM experiments").fetchall()
    assert store_uri() == absolute.format(folder=tmp_path)
    assert databases.file_of(studies_uri()) == (tmp_path / file).parent / "optuna.db"
    with registry_lock("mine"):
        assert [*tmp_path.glob(f"{file}.registry-*.lock")]
    names = {path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")}
    assert names - {"file:"} == {Path(file).parts[0]}  # and none beside it, but for the empty one that MLflow makes


@pytest.mark.parametrize("address", ["sqlite://", "sqlite:///:memory:"])
def test_a_store_in_memory_leaves_no_file(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_store(address).create_run("0")
    assert [path.name for path in tmp_path.iterdir()] in ([], ["mlruns"])


def test_a_relative_address_in_a_child_of_mlflow_run_makes_no_second_store(new_store: Path, tmp_path: Path) -> None:
    (tmp_path / "typed").mkdir()
    (tmp_path / "typed" / "runs.db").write_bytes(new_store.read_bytes())
    environment = {**os.environ, "MLFLOW_TRACKING_URI": "sqlite:///runs.db", "PYTHONPATH": str(ROOT)}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    options = ["-e", "knn", "--env-manager", "local", "-P", "data=digits", "-P", "train_size=200"]
    done = subprocess.run(
        ["mlflow", "run", str(ROOT), *options],
        cwd=tmp_path / "typed",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert 'Type there: export MLFLOW_TRACKING_URI="sqlite:///$PWD/runs.db"' in done.stderr, done.stderr
    assert not list(ROOT.glob("runs.db*"))


def test_a_relative_address_is_no_fault_where_mlflow_run_runs(
    new_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs.db").write_bytes(new_store.read_bytes())
    run = open_store("sqlite:///runs.db").create_run("0")
    mlflow.set_tracking_uri(None)
    monkeypatch.setenv("MLFLOW_RUN_ID", run.info.run_id)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///runs.db")
    assert connect().get_run(run.info.run_id)


def test_a_program_that_sigterm_ends_does_not_wait_for_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "8")
    monkeypatch.setattr(databases, "PATIENCE", 0)
    monkeypatch.setattr(interrupts, "_ended", [signal.SIGTERM])
    engine = create_engine(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nothing")
    databases.wait_for_restarts(engine)
    with pytest.raises(OperationalError):
        engine.connect()
