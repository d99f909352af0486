"""Workers as tasks of a Ray cluster: each command runs on a node that has a core free."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import multiprocessing
import os
import queue
import re
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mnist_mlflow.errors import MissingLibraryError, UsageError, UserFacingError
from mnist_mlflow.protocol import CLUSTERS
from mnist_mlflow.search.cluster_messages import Beat, Cancel, Leave, Line, Loss, Refusal, Start
from mnist_mlflow.search.workers import Command, Ending, without_label

AUTO, CLIENT = "auto", "ray://"
ANSWER = 5.0  # seconds for a port to answer
CONNECT = 60.0  # seconds for Ray to connect, on a busy machine
SILENCE = 30.0  # seconds without a sign of life until a cluster is given up: Ray does so after 60
FORCE = 5.0  # seconds for killed commands to be gone
LONG = 60.0  # seconds that a command has to close what it has begun, where nobody says how many
POLL = 0.2  # seconds between looks at the clock
CLOSE = 3.0  # seconds for the driver to leave the cluster
NO_TOKEN = re.compile(r"InvalidAuthToken|AuthenticationError")

FIRST = "RAY_AUTH_MODE=token ray start --head"
HOW = (
    f"On the first machine type: ray get-auth-token --generate, and: {FIRST}. "
    "On the others: RAY_AUTH_MODE=token ray start --address=HOST:6379"
)
_logger = logging.getLogger(__name__)


class ClusterLostError(UserFacingError):
    """The cluster does not answer any more."""


class Cluster:
    """A Ray cluster at an address (`auto`, `HOST:PORT` or `ray://HOST:PORT`) on whose nodes commands run.

    `variables` travel to the nodes with every command. Each command has `patience` seconds to close what it has begun.
    Raises UserFacingError for a cluster that cannot be used from here.
    """

    def __init__(self, address: str, variables: Mapping[str, str], patience: float = LONG) -> None:
        if not find_spec("ray"):
            raise MissingLibraryError(
                'Ray is not installed, which a cluster needs. Type: pip install "mnist-mlflow[ray]"'
            )
        self.address, self.variables, self.patience = resolve(address), variables, patience
        self._commands: dict[int, Command] = {}  # those that run, by number
        self._endings: list[Ending] = []
        self._refused = ""
        self._started = 0
        self._beat: Beat | None = None
        self._heard = time.monotonic()
        check_answer(self.address)
        self._connect()

    def _connect(self) -> None:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._log = Path(self._folder.name) / "ray.log"
        context = multiprocessing.get_context("spawn")
        self._pipe, end = context.Pipe()
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        arguments = (end, self.address, self.patience, str(self._log))
        self._driver = context.Process(target=_drive, args=arguments, daemon=True)
        self._driver.start()
        end.close()
        # A thread of its own: a signal within a message would garble those that follow.
        self._reader = threading.Thread(target=_listen, args=(self._pipe, self._messages), daemon=True)
        self._reader.start()
        try:
            self._await_first_beat()
        except BaseException:
            self._close()
            raise

    def _await_first_beat(self) -> None:
        end = time.monotonic() + CONNECT
        while not self._beat:
            words = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
            if self._refused or not self._driver.is_alive() or time.monotonic() > end or NO_TOKEN.search(words):
                raise refusal(self.address, f"{self._refused} {words}" if NO_TOKEN.search(words) else self._refused)
            self._receive(POLL)

    def slots(self) -> int:
        """The cores of the cluster, now."""
        return self._beat.slots if self._beat else 0

    def start(self, command: Command) -> int:
        """Hand a command out to the node that first has a core free, and return its number."""
        self._started += 1
        variables = {**self.variables, **command.variables}
        self._send(Start(self._started, dataclasses.replace(command, variables=variables)))
        self._commands[self._started] = command
        return self._started

    def wait(self, seconds: float) -> Sequence[Ending]:
        """The endings since the last call; raises ClusterLostError where the cluster is silent."""
        end = time.monotonic() + seconds
        while not self._endings and (left := end - time.monotonic()) > 0:
            self._receive(min(left, POLL))
            if time.monotonic() > self._heard + SILENCE:
                raise self._lost()
        endings, self._endings = self._endings, []
        return endings

    def end(self, patience: float | None = None) -> None:
        """End all commands, and leave the cluster."""
        try:
            self._cancel(patience or self.patience)
        except ClusterLostError:
            pass  # the nodes end what they run once they notice
        finally:
            self._close()

    def _cancel(self, patience: float) -> None:
        for force, seconds in ((False, patience), (True, FORCE)):
            if self._commands:
                self._send(Cancel(force))
            end = time.monotonic() + seconds
            while self._commands and time.monotonic() < end:
                self.wait(POLL)

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            self._pipe.send(Leave())
        self._driver.join(CLOSE)
        self._driver.kill()
        self._driver.join()
        self._reader.join()
        self._pipe.close()
        self._folder.cleanup()

    def _send(self, wish: Start | Cancel) -> None:
        try:
            self._pipe.send(wish)
        except OSError:
            raise self._lost() from None

    def _receive(self, seconds: float) -> None:
        """Take the next message, if there is one within so many seconds."""
        try:
            message = self._messages.get(timeout=seconds)
        except queue.Empty:
            return
        match message:
            case None if self._beat:
                raise self._lost()
            case None:
                self._driver.join(CLOSE)  # the wait for the first beat ends
            case Beat():
                self._beat, self._heard = message, time.monotonic()
            case Ending():
                del self._commands[message.number]
                self._endings.append(message)
            case Line(number, node, stream, text) if number in self._commands:  # else it comes after the end
                terminal = sys.stderr if stream == "err" else sys.stdout
                label = self._commands[number].label
                print(f"{label} on {node}: {without_label(text, label)}", end="", file=terminal, flush=True)
            case Loss():
                _logger.warning("Lost on %s: %s", message.node or "a node of the cluster", message.reason)
            case Refusal():
                self._refused = message.reason

    def _lost(self) -> ClusterLostError:
        return ClusterLostError(
            f"The cluster {self.address} does not answer any more: its head is gone, or the network."
        )


def _listen(pipe: Connection, messages: queue.SimpleQueue[Any]) -> None:
    """Pass on what comes through a pipe; None at its end."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            messages.put(pipe.recv())
    messages.put(None)


def _drive(*arguments: Any) -> None:
    from mnist_mlflow.search.cluster_driver import drive  # with Ray

    drive(*arguments)


def resolve(address: str) -> str:
    """The address of a cluster: for `auto` that of RAY_ADDRESS, if it is set; raises UsageError where it is wrong."""
    if address != AUTO:
        return address
    named = os.environ.get("RAY_ADDRESS", AUTO)
    if not named or not re.fullmatch(CLUSTERS, named):
        raise UsageError(f"RAY_ADDRESS is {named!r}; accepted: auto, HOST:PORT, ray://HOST:PORT.")
    return named


def check_answer(address: str) -> None:
    """Raise UserFacingError at once where nothing answers, which Ray does after minutes."""
    if address == AUTO:
        return
    host, _, port = address.removeprefix(CLIENT).rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER).close()
    except (OSError, OverflowError) as error:
        raise UserFacingError(f"No cluster answers at {host}:{port}: {error}. {HOW}") from error


def refusal(address: str, reason: str) -> UserFacingError:
    """The error for a cluster that Ray cannot connect to, with the remedy; `reason` is in Ray's words, or empty."""
    if NO_TOKEN.search(reason):
        text = (
            "it wants its token, which its head tells: ray get-auth-token. "
            "Type here: export RAY_AUTH_MODE=token RAY_AUTH_TOKEN=..."
        )
    elif "Could not find any running Ray instance" in reason:
        return UserFacingError(f"No cluster runs on this machine. {HOW}")
    elif "mismatch" in reason:
        text = f"it has another Ray or Python than this machine. Install the same here: {reason}"
    elif not reason and not address.startswith(CLIENT):
        text = f"this machine is no node of it. Type: ray start --address={address}, or go by cluster=ray://HOST:10001"
    else:
        text = reason or "it does not answer"
        text += (
            ". Ray's client has a port of its own, mostly 10001, and needs the token too" if "client" in reason else ""
        )
    return UserFacingError(f"The cluster {address} cannot be used: {text}")
