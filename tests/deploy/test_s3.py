"""A server that keeps artifacts in S3, with one setting; its members hold no keys."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import mlflow
import numpy as np
import pytest
from botocore.exceptions import BotoCoreError

from benchmarks.process import free_port
from tests.team import Team, team_of, train_small
from tests.team_server import TeamServer, running

KEYS = {"AWS_ACCESS_KEY_ID": "the-server's", "AWS_SECRET_ACCESS_KEY": "too", "AWS_DEFAULT_REGION": "us-east-1"}
START = 60  # seconds


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
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
    session = boto3.Session("key", "secret", region_name="us-east-1")
    return session.client("s3", endpoint_url=address)


def made_bucket(address: str) -> bool:
    try:
        client_of(address).create_bucket(Bucket="mlflow")
    except BotoCoreError:
        return False
    return True


def test_artifacts_are_in_the_bucket_and_members_hold_no_keys(
    team: Team, store: str, tmp_path: Path, nothing_is_drawn: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second server beside the session's, on its databases."""
    for name in (*KEYS, "MLFLOW_S3_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    bucket = {"TEAM_ARTIFACTS": "s3://mlflow", "MLFLOW_S3_ENDPOINT_URL": store, **KEYS}
    settings = {**team.settings, **bucket, "TEAM_PORT": str(free_port())}
    with running(TeamServer(settings, tmp_path)) as server:
        account = team.user()
        with team_of(server).as_user(account):
            model_id = train_small().model_id
            objects = client_of(store).list_objects_v2(Bucket="mlflow")["Contents"]
            assert [item for item in objects if model_id in item["Key"]]
            model = mlflow.pyfunc.load_model(f"models:/{model_id}")
            assert len(model.predict(np.zeros((2, 28, 28), np.uint8))) == 2
    assert not list(tmp_path.rglob("MLmodel"))
