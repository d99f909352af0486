"""A server that is backed up, lost and restored is the same server."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow.exceptions import MlflowException
from optuna.storages import RDBStorage
from optuna.study import StudyDirection

from benchmarks.measure.postgresql import postgresql
from deploy.service import read_service
from mnist_mlflow.search.studies import open_storage
from tests.team import Account, Team, team_of, train_small
from tests.team_server import TeamServer, running

IMAGES = np.zeros((2, 28, 28), np.uint8)


def run_service(name: str, settings: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    service = read_service(name, settings)
    environment = {**os.environ, **service.variables}
    return subprocess.run(service.command, env=environment, capture_output=True, text=True, check=False)


@contextlib.contextmanager
def closing_storage(address: str) -> Iterator[RDBStorage]:
    """The storage of studies, whose connections are closed at the end."""
    storage = open_storage(address)
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def add_champion(team: Team, account: Account) -> list[float]:
    """Train a model and make it champion of a model that is called like the account; returns what it reads."""
    with team.as_user(account) as client:
        result = train_small()
        client.create_registered_model(account.name)
        source = f"models:/{result.model_id}"
        client.create_model_version(account.name, source, result.run_id, model_id=result.model_id)
        client.set_registered_model_alias(account.name, "champion", 1)
        with closing_storage(team.studies) as storage:
            storage.create_new_study([StudyDirection.MINIMIZE], account.name)
        return confidences(account.name)


def confidences(name: str) -> list[float]:
    model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    return [float(value) for value in model.predict(IMAGES)["confidence"]]


def test_runs_champions_accounts_and_studies_come_back(team: Team, tmp_path: Path) -> None:
    account, other = team.user(), team.user()
    read = add_champion(team, account)
    backups = {"TEAM_BACKUPS": str(tmp_path / "backups")}
    done = run_service("backup", {**team.settings, **backups})
    assert done.returncode == 0, done.stderr
    with postgresql() as database:
        server = TeamServer(database, tmp_path, **backups)
        assert run_service("restore", server.settings).returncode == 0
        again = run_service("restore", server.settings)
        assert (again.returncode, again.stderr) == (
            1,
            "The database mlflow is not empty: restore where no server has started yet.\n",
        )
        with running(server):
            restored = team_of(server)
            with restored.as_user(account):
                assert confidences(account.name) == read
                with closing_storage(restored.studies) as storage:
                    assert account.name in [study.study_name for study in storage.get_all_studies()]
            with restored.as_user(other) as client, pytest.raises(MlflowException, match="Permission denied"):
                client.set_registered_model_alias(account.name, "champion", 1)
            with (
                restored.as_user(Account(account.name, "another-password")) as client,
                pytest.raises(MlflowException, match="not authenticated"),
            ):
                client.search_experiments()


def test_a_backup_that_is_not_there_is_refused(tmp_path: Path, team: Team) -> None:
    done = run_service("restore", {**team.settings, "TEAM_BACKUPS": str(tmp_path), "TEAM_BACKUP": "2026-01-01"})
    assert (done.returncode, done.stderr) == (1, f"There is no backup at {tmp_path}/2026-01-01.\n")
