"""Artifact stores in clouds without their library or their credentials."""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import NoReturn

import mlflow
import pytest

from mnist_mlflow.algorithms import knn

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def nothing_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knn, "fit", lambda *arguments: pytest.fail("it learned before it was refused"))


def refusal(client: mlflow.MlflowClient, command: Command, location: str, patch: pytest.MonkeyPatch) -> str:
    """The line with which a run is refused whose artifacts would lie at an address."""
    experiment = client.create_experiment(location, artifact_location=location)
    patch.setenv("MLFLOW_EXPERIMENT_ID", experiment)
    status, _, errors = command("knn", "--data=digits")
    assert status == 1, errors
    (line,) = errors.splitlines()
    (run,) = client.search_runs([experiment])
    assert run.info.status == "FAILED"
    assert line.removeprefix("Error: ") == run.data.tags["failure"]
    return line


@pytest.mark.parametrize(
    ("location", "module", "what_to_type"),
    [
        ("s3://bucket/runs", "boto3", 'pip install "mnist-mlflow[s3]"'),
        ("gs://bucket/runs", "google.cloud", 'pip install "mnist-mlflow[gcs]"'),
        ("wasbs://box@account.blob.core.windows.net/runs", "azure", 'pip install "mnist-mlflow[azure]"'),
    ],
)
def test_a_missing_library_is_one_line_before_the_learning(
    location: str,
    module: str,
    what_to_type: str,
    store: mlflow.MlflowClient,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    line = refusal(store, command, location, monkeypatch)
    assert line.startswith(f"Error: The artifacts lie at {location}/")
    assert line.endswith(f"Type: {what_to_type}")


class NoCredentialsError(Exception):
    """As botocore's."""


def test_missing_credentials_are_one_line_before_the_learning(
    store: mlflow.MlflowClient, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> NoReturn:
        raise NoCredentialsError("Unable to locate credentials")

    boto3 = ModuleType("boto3")
    boto3.__dict__["client"] = fail
    monkeypatch.setitem(sys.modules, "boto3", boto3)
    for name in ("botocore", "botocore.client", "botocore.config", "botocore.exceptions"):
        module = ModuleType(name)
        module.__dict__.update(Config=dict, ClientError=OSError)
        monkeypatch.setitem(sys.modules, name, module)
    line = refusal(store, command, "s3://bucket/runs", monkeypatch)
    assert "no credentials for that are set (NoCredentialsError: Unable to locate credentials)" in line
    assert line.endswith("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE")
