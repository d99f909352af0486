import importlib.metadata
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import mlflow
import numpy as np
import pytest

from mnist_mlflow.jobs import doctor
from mnist_mlflow.processes import this_process
from mnist_mlflow.tracking import parcels
from mnist_mlflow.tracking.relocation import find_moves, rewrite_addresses
from mnist_mlflow.tracking.store import store_file
from tests.data.test_mnist import ARRAYS, write
from tests.faults.test_foreign_files import write_parcel

Client: TypeAlias = mlflow.MlflowClient
OWNERS = {"waiting": None, "under-way": this_process()}
Doctor: TypeAlias = Callable[..., tuple[int, dict[str, str]]]


@pytest.fixture
def store(store: Client) -> Client:
    """A store that has not moved, unlike the copy that it is."""
    file = store_file()
    assert file
    rewrite_addresses(file, find_moves(file))
    return store


@pytest.fixture
def examine(command: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Types `doctor` where all is well around the store; returns the exit status, and each check's line."""
    data = tmp_path / "data"
    data.mkdir()
    for name, array in ARRAYS.items():
        write(data, name, np.asarray(array), monkeypatch)
    monkeypatch.setenv("MNIST_MLFLOW_DATA_DIR", str(data))
    monkeypatch.setattr("mnist_mlflow.tracking.provenance.git_refusal", lambda root: None)
    monkeypatch.setattr(parcels, "_folders", lambda: [tmp_path / "unsent"])

    def run(*arguments: str) -> tuple[int, dict[str, str]]:
        status, out, _ = command("doctor", *arguments)
        return status, {line.split()[1]: line for line in out.splitlines()}

    return run


def test_all_is_well_with_a_new_store(store: Client, examine: Doctor) -> None:
    status, lines = examine()
    assert status == 0, lines
    assert all(line.startswith("ok ") for line in lines.values())
    assert {"python", "packages", "data", "disk", "git", "store", "artifacts", "runs", "aliases"} <= lines.keys()


def test_results_that_wait_are_listed_and_stay(store: Client, examine: Doctor, tmp_path: Path) -> None:
    waiting, under_way = (write_parcel(tmp_path / "unsent" / name, owner) for name, owner in OWNERS.items())
    for arguments in ((), ("--fix", "1")):
        status, lines = examine(*arguments)
        assert status == 1
        assert lines["results"].endswith(f"{waiting}. Type: python -m mnist_mlflow recover")
        assert str(under_way) not in lines["results"]
    shutil.rmtree(waiting)
    assert examine()[0] == 0
    (under_way / "parcel.json").write_text("damaged")
    assert str(under_way) in examine()[1]["results"]


def test_a_store_that_is_not_there_is_not_made(
    examine: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none/mlflow.db")
    status, lines = examine()
    assert status == 0
    assert "is not there yet" in lines["store"]
    assert not (tmp_path / "none").exists()


def test_runs_without_their_process_are_closed(store: Client, examine: Doctor) -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    owners = {"dead": {**this_process(), "pid": child.pid}, "alive": this_process()}
    runs = {
        name: store.create_run("0", tags={"owner": json.dumps(owner)}).info.run_id for name, owner in owners.items()
    }
    status, lines = examine()
    assert status == 1
    assert runs["dead"] in lines["runs"]
    assert "doctor --fix 1" in lines["runs"]
    assert examine("--fix", "1")[0] == 0
    assert store.get_run(runs["dead"]).info.status == "FAILED"
    assert store.get_run(runs["dead"]).data.tags["failure"] == "its process was killed"
    assert store.get_run(runs["alive"]).info.status == "RUNNING"
    assert examine("--fix", "1")[1]["runs"].startswith("ok")


def test_aliases_that_point_nowhere_are_removed_and_other_projects_stay_alone(store: Client, examine: Doctor) -> None:
    run = store.create_run("0")
    for name in ("mnist-digits", "other"):
        store.create_registered_model(name)
        store.create_model_version(name, f"{run.info.artifact_uri}/none", run.info.run_id)
    store.create_registered_model("ada-digits", {"decided": "by ada"})  # whose last version was deleted
    with closing(sqlite3.connect(str(store_file()))) as database:
        for name in ("mnist-digits", "other", "ada-digits"):
            columns = "INSERT INTO registered_model_aliases (name, alias, version, workspace) VALUES"
            database.execute(f"{columns} ('{name}', 'champion', 7, 'default')")
        database.commit()
    status, lines = examine()
    assert status == 1
    assert "mnist-digits@champion" in lines["aliases"]
    assert "ada-digits@champion" in lines["aliases"]
    assert "mnist-digits/1" in lines["versions"]
    assert "other" not in lines["versions"]
    assert examine("--fix", "1")[0] == 1  # a version without a model is for people to decide about
    assert store.get_registered_model("mnist-digits").aliases == {}
    assert store.get_registered_model("ada-digits").aliases == {}
    assert store.get_registered_model("other").aliases == {"champion": 7}
    assert examine()[1]["aliases"].startswith("ok")


def test_tables_of_another_mlflow_are_told_with_the_command(store: Client, examine: Doctor, tmp_path: Path) -> None:
    other = shutil.copy(str(store_file()), tmp_path / "other.db")
    mlflow.set_tracking_uri(f"sqlite:///{other}")
    with closing(sqlite3.connect(other)) as database:
        database.execute("UPDATE alembic_version SET version_num = 'x'")
        database.commit()
    status, lines = examine()
    assert status == 1
    assert "mlflow db upgrade" in lines["store"]
    assert "runs" not in lines


def test_a_broken_store_stops_no_other_check(examine: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mlflow.db").write_text("no database, but text that is long enough to be looked at " * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    status, lines = examine("--fix", "1")
    assert status == 1
    assert "file is not a database" in lines["artifacts"]
    assert "file is not a database" in lines["store"]
    assert lines["data"].startswith("ok")


def test_packages_and_python_are_compared_with_what_is_declared(
    store: Client, examine: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "declared", lambda: (">=99", ["numpy<1", "no-such-thing", "rich; extra == 'x'"]))
    status, lines = examine()
    assert status == 1
    assert ">=99" in lines["python"]
    assert f"numpy is {importlib.metadata.version('numpy')}, not <1" in lines["packages"]
    assert "no-such-thing is missing" in lines["packages"]
    assert "pip install -r" in lines["packages"]
    assert "rich" not in lines["packages"]


def test_a_disk_that_is_full_and_data_that_is_damaged_are_told(
    store: Client, examine: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = shutil.disk_usage("/").total
    monkeypatch.setattr("shutil.disk_usage", lambda folder: shutil._ntuple_diskusage(total, total, 0))
    path = Path(os.environ["MNIST_MLFLOW_DATA_DIR"]) / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    status, lines = examine()
    assert status == 1
    assert "0.0 GB in" in lines["disk"]
    assert "wrong size" in lines["data"]
    path.unlink()
    assert "MNIST is not there: t10k-labels-idx1-ubyte" in examine()[1]["data"]


def test_passwords_are_not_shown(examine: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("OPTUNA_STORAGE", "postgresql+psycopg://me:secret@127.0.0.1:9/studies")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    status, lines = examine()
    assert status == 1
    assert "secret" not in str(lines)
    assert lines["store"].startswith("problem")
    assert lines["studies"].startswith("problem")
