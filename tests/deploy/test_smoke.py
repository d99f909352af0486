"""The smoke run of deploy/, as an ordinary account on a server that keeps artifacts in S3, with one setting."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import mlflow
import pytest
from botocore.exceptions import BotoCoreError

from benchmarks.process import free_port
from deploy import smoke
from tests.team import Account, Team, team_of
from tests.team_server import TeamServer, running

KEYS = {"AWS_ACCESS_KEY_ID": "the-server's", "AWS_SECRET_ACCESS_KEY": "too", "AWS_DEFAULT_REGION": "us-east-1"}
START = 60  # seconds


@pytest.fixture
def store() -> Iterator[str]:
    """The address of an S3 that keeps its objects in memory, with a bucket."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + START
        while not made_bucket(address):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.2)
        yield address
    finally:
        process.kill()
        process.wait()


def client_of(address: str) -> Any:
    return boto3.Session("key", "secret", region_name="us-east-1").client("s3", endpoint_url=address)


def made_bucket(address: str) -> bool:
    try:
        client_of(address).create_bucket(Bucket="mlflow")
    except BotoCoreError:
        return False
    return True


@pytest.fixture
def member(team: Team, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account without keys, at a second server beside the session's, which uses the same databases."""
    bucket = {"TEAM_ARTIFACTS": "s3://mlflow", "MLFLOW_S3_ENDPOINT_URL": store, **KEYS}
    with running(TeamServer(team.database, tmp_path, **bucket)) as server:
        for name in (*KEYS, "MLFLOW_S3_ENDPOINT_URL"):
            monkeypatch.delenv(name, raising=False)
        with team_of(server).as_user(team.user()):
            yield


@pytest.mark.usefixtures("member")
def test_it_trains_selects_and_loads_by_way_of_the_bucket_and_leaves_nothing(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    smoke.main()
    said = capsys.readouterr().out
    assert "is champion" in said
    assert "The server works: trained, selected, and loaded a champion that reads 9" in said
    client = mlflow.MlflowClient()
    assert not [model for model in client.search_registered_models() if model.name.startswith("smoke-")]
    assert not [found for found in client.search_experiments() if found.name.startswith("smoke-")]
    files = [item["Key"] for item in client_of(store).list_objects_v2(Bucket="mlflow")["Contents"]]
    assert [name for name in files if name.endswith("/MLmodel")]
    assert not list(tmp_path.rglob("MLmodel"))


def test_it_fails_in_a_line_where_nobody_is_let_in(team: Team) -> None:
    stranger = Account("nobody", "some-password")
    with team.as_user(stranger), pytest.raises(SystemExit, match=r"Error: .* cannot be used: "):
        smoke.main()
