"""Claims: one process at a time changes a registered model, whatever machine it runs on.

MLflow cannot compare and swap. So a claim is a tag of the registered model with a name of its own. A process first sets
its tag, then reads all. Of two processes at least one sees the other, and the one with the lower name goes first.
"""

from __future__ import annotations

import contextlib
import json
import math
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any

import mlflow
from mlflow.entities.model_registry import RegisteredModel
from mlflow.exceptions import MlflowException

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.processes import is_gone, read_owner, this_process
from mnist_mlflow.tracking.accounts import account

PREFIX = "claim."
PATIENCE = 60.0  # seconds to wait for the claim of another process
POLL = 0.5  # seconds between two looks
FRESH = 30.0  # seconds for which a claim that was seen needs no other look
LAPSE = 900.0  # seconds after which a claim of another machine counts no more; MLflow waits six minutes for a server


class Claim:
    """The claim of this process to change a registered model alone."""

    def __init__(self, client: mlflow.MlflowClient, name: str) -> None:
        self.client, self.name = client, name
        self.key = f"{PREFIX}{secrets.token_hex(8)}"
        self._seen = -math.inf  # when it was seen last

    def check(self) -> None:
        """Raise UserFacingError if the claim has lapsed: this process stood still, and another took its place."""
        if time.monotonic() - self._seen < FRESH:
            return
        if self.key not in self._model().tags:
            raise UserFacingError(
                f"This process stood still for over {LAPSE / 60:.0f} minutes, and another changes {self.name} by now. "
                "Its aliases are left to that one. Type the command again."
            )
        self._seen = time.monotonic()

    def acquire(self) -> RegisteredModel:
        """Wait until no other process has a claim; returns the registered model as it was then.

        Raises UserFacingError, with the holder of the other claim, after a minute.
        """
        deadline = time.monotonic() + PATIENCE
        self._set()
        while others := self._others(model := self._model()):
            if min(others) < self.key:
                self.release()
            if time.monotonic() > deadline:
                raise UserFacingError(
                    f"Another process changes the aliases of {self.name}: {others[min(others)]['by']}. Type the "
                    f"command again when it has ended. Its claim lapses after {LAPSE / 60:.0f} minutes."
                )
            time.sleep(POLL)
            self._set()
        return model

    def release(self) -> None:
        """Give the claim up; one that a broken connection leaves behind lapses."""
        with contextlib.suppress(MlflowException):
            self.client.delete_registered_model_tag(self.name, self.key)

    def _set(self) -> None:
        content = {"by": describe_holder(), "owner": json.dumps(this_process()), "at": time.time()}
        self.client.set_registered_model_tag(self.name, self.key, json.dumps(content))

    def _others(self, model: RegisteredModel) -> dict[str, Mapping[str, Any]]:
        """The claims of other processes by their names; those that have lapsed are deleted."""
        others: dict[str, Mapping[str, Any]] = {}
        for key, text in model.tags.items():
            if not key.startswith(PREFIX) or key == self.key:
                continue
            content = _read(text)
            if not content or is_gone(read_owner(content["owner"])) or time.time() - content["at"] > LAPSE:
                self.client.delete_registered_model_tag(self.name, key)
            else:
                others[key] = content
        return others

    def _model(self) -> RegisteredModel:
        return self.client.get_registered_model(self.name)


def _read(text: str) -> Mapping[str, Any] | None:
    """The content of a claim; None for a text that is none."""
    try:
        content = json.loads(text)
        return {"by": content["by"], "owner": content["owner"], "at": float(content["at"])}
    except (ValueError, TypeError, KeyError):
        return None


@contextlib.contextmanager
def claim(client: mlflow.MlflowClient, name: str) -> Iterator[tuple[Claim, RegisteredModel]]:
    """A claim to a registered model, held inside, and the model as it was when the claim was made."""
    held = Claim(client, name)
    try:
        yield held, held.acquire()
    finally:
        held.release()


def describe_holder() -> str:
    """The active run of this process, with its account and machine, for people to read."""
    run = mlflow.active_run()
    return f"{f'run {run.info.run_id} of ' if run else ''}{account()}@{socket.gethostname()}"
