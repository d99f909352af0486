import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.search.checks import check_studies
from mnist_mlflow.search.studies import file_system, open_storage


class Disk(NamedTuple):
    mountpoint: str
    fstype: str


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/optuna.db"


def test_studies_that_are_not_there_are_not_made(address: str, tmp_path: Path) -> None:
    assert not check_studies(address).remedy
    assert list(tmp_path.iterdir()) == []


def test_studies_of_another_optuna_are_told_with_the_command(address: str, tmp_path: Path) -> None:
    open_storage(address).engine.dispose()
    assert not check_studies(address).remedy
    with closing(sqlite3.connect(tmp_path / "optuna.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = 'v2.4.0.a'")
        database.commit()
    assert f"optuna storage upgrade --storage {address}" in check_studies(address).remedy


def test_a_file_that_holds_no_studies_is_an_error(address: str, tmp_path: Path) -> None:
    (tmp_path / "optuna.db").write_text("text " * 1000)
    with pytest.raises(UserFacingError, match="not a database"):
        check_studies(address)


def test_network_file_systems_are_told(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disks = [Disk("/", "ext4"), Disk(str(tmp_path), "nfs4")]
    monkeypatch.setattr("psutil.disk_partitions", lambda **options: disks)
    assert file_system(tmp_path / "a" / "b") == "nfs4"
    assert file_system(Path("/x")) == "ext4"
    assert "OPTUNA_STORAGE" in check_studies(address).remedy
    with pytest.raises(UserFacingError, match=r"network file system \(nfs4\).*Name a database server: export OPTUNA"):
        open_storage(address)
