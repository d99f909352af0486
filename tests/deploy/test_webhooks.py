"""The recipe of docs/team.md that announces each new champion, with its receiver."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from queue import Queue

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from benchmarks.process import free_port
from tests.conftest import ROOT
from tests.deploy.documents import code_below
from tests.team import Team, add_versions

RECIPE = code_below("Announce each new champion", "python")
SECRET = "known-to-both"
WAIT = 30  # seconds


@pytest.fixture
def receiver() -> Iterator[tuple[str, "Queue[str]"]]:
    """The address of a receiver, and the lines that it prints."""
    port = free_port()
    command = [sys.executable, "deploy/receiver.py", str(port)]
    environment = {"WEBHOOK_SECRET": SECRET}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    lines: Queue[str] = Queue()
    reader = threading.Thread(target=read, args=(process, lines))
    reader.start()
    try:
        yield f"http://127.0.0.1:{port}", lines
    finally:
        process.kill()
        process.wait()
        reader.join()


def read(process: "subprocess.Popen[str]", lines: "Queue[str]") -> None:
    assert process.stdout
    with process.stdout:
        for line in process.stdout:
            lines.put(line)


def test_each_new_champion_is_announced_and_nothing_else(team: Team, receiver: tuple[str, "Queue[str]"]) -> None:
    address, lines = receiver
    owner = team.user()
    with team.as_user(team.admin) as client:
        recipe = RECIPE.replace("https://team.example:8443", address).replace(
            '"the secret of the receiver"', f"'{SECRET}'"
        )
        assert address in recipe
        assert SECRET in recipe
        exec(recipe)
        (webhook,) = [webhook for webhook in client.list_webhooks() if webhook.url == address]
    try:
        with team.as_user(owner) as client:
            add_versions(client, owner.name)
            client.set_registered_model_alias(owner.name, "challenger", 2)
            client.set_registered_model_alias(owner.name, "champion", 1)
            client.set_registered_model_alias(owner.name, "champion", 2)
        told = {lines.get(timeout=WAIT) for _ in range(2)}
        assert told == {f"Version {version} of {owner.name} is the new champion.\n" for version in (1, 2)}
        assert lines.empty()
    finally:
        with team.as_user(team.admin) as client:
            client.delete_webhook(webhook.webhook_id)


def test_what_the_server_has_not_signed_is_refused(receiver: tuple[str, "Queue[str]"]) -> None:
    address, lines = receiver
    body = '{"data": {"name": "mnist-digits", "alias": "champion", "version": "1"}}'
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=Retry(9, backoff_factor=0.1)))  # it may not listen yet
    for signature in ({}, {"X-MLflow-Signature": "v1,d3Jvbmc="}):
        assert session.post(address, body, headers=signature, timeout=WAIT).status_code == 403
    assert lines.empty()
