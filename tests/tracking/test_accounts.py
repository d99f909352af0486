"""The account that others read: as the address, the variables or the run name it."""

import mlflow
import pytest

from mnist_mlflow.processes import user_name
from mnist_mlflow.tracking.accounts import account


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("http://ada%40team:secret@127.0.0.1:9", "ada@team"),
        ("http://127.0.0.1:9", "bob"),
        ("postgresql://mlflow:secret@127.0.0.1:9/mlflow", "bob"),
    ],
)
def test_the_address_of_a_server_names_the_account_before_the_variables_do(
    monkeypatch: pytest.MonkeyPatch, address: str, named: str
) -> None:
    monkeypatch.setattr(mlflow, "get_tracking_uri", lambda: address)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "bob")
    assert account() == named


def test_without_logins_it_is_the_user_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME", raising=False)
    assert account() == user_name()
