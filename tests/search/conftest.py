"""Studies of one's own, whose storage was created once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.measure.postgresql import is_installed, postgresql
from mnist_mlflow.search.studies import open_storage


@pytest.fixture(scope="session")
def new_studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty storage, to be copied: Optuna takes half a second to create one."""
    path = tmp_path_factory.mktemp("studies") / "optuna.db"
    storage = open_storage(f"sqlite:///{path}")
    storage.remove_session()
    storage.engine.dispose()
    return path


@pytest.fixture
def folder(new_studies: Path, tmp_path: Path) -> Path:
    """A folder with an empty storage of studies."""
    shutil.copy(new_studies, tmp_path / "optuna.db")
    return tmp_path


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a PostgreSQL server of its own."""
    if not is_installed():
        pytest.skip("PostgreSQL's server is not installed: apt-get install postgresql")
    with postgresql() as address:
        yield address
