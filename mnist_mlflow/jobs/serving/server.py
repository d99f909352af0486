"""The server: it listens at an address, and ends with a signal, after what is under way."""

from __future__ import annotations

import contextlib
import errno
import signal
import socket
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from mnist_mlflow.errors import UsageError
from mnist_mlflow.interrupts import ENDING

PATIENCE = 10  # seconds for requests that are under way, once the server ends
MOST_CONNECTIONS = 200  # those included that send nothing
LAST_PORT = 65535
REASONS: dict[int, str] = {
    socket.EAI_NONAME: "there is no such host. Type --host 127.0.0.1, or an address of this machine.",
    errno.EADDRINUSE: "something else listens there. End it, or take another port",
    errno.EACCES: "this account may not. Type a --port from 1024 on.",
    errno.EADDRNOTAVAIL: "this machine has no such address. Type --host 127.0.0.1, or 0.0.0.0 for all of its own.",
}


def listen(host: str, port: int, entry_point: str = "serve") -> socket.socket:
    """A socket that listens at a port (0: any that is free).

    Raises UsageError where there cannot be one. Where the port is taken, it says how to type the entry point.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        reason = REASONS.get(error.errno or 0, f"{error}.")
        if error.errno == errno.EADDRINUSE:
            other = port + 1 if port < LAST_PORT else port - 1
            reason += f": python -m mnist_mlflow {entry_point} --port {other}"
        raise UsageError(f"The server cannot listen at {host}, port {port}: {reason}") from None
    # Connections inherit it. Without it the body of an answer waits 40 ms until its head is acknowledged.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@dataclass(frozen=True)
class Service:
    """A server that listens, and does not answer yet."""

    app: FastAPI
    listener: socket.socket
    model: str

    @property
    def address(self) -> str:
        """The address to type into a browser, on this machine or, where it listens at all addresses, on another."""
        host, port = self.listener.getsockname()[:2]
        host = _address_of_this_machine() if host in ("0.0.0.0", "::") else host
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    def answer(self) -> None:
        """Answer until SIGINT, SIGTERM or SIGHUP; then end what is under way."""
        warnings.simplefilter("ignore")  # libraries warn their callers, again with each request
        config = uvicorn.Config(
            self.app,
            access_log=False,
            lifespan="off",
            limit_concurrency=MOST_CONNECTIONS,
            log_config=None,
            log_level="error",
            server_header=False,
            timeout_graceful_shutdown=PATIENCE,
            ws="none",
        )
        _Server(config).run([self.listener])


class _Server(uvicorn.Server):
    """Uvicorn's server; a signal that has ended it is not sent again afterwards."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, *ENDING):
                if signal.getsignal(number) != signal.SIG_IGN:  # as after `nohup`
                    signal.signal(number, self.handle_exit)
        yield


def _address_of_this_machine() -> str:
    """The address by which others in the network reach this machine; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        try:
            unused.connect(("192.0.2.1", 9))  # reserved for documents (RFC 5737)
        except OSError:  # without a network
            return "127.0.0.1"
        return str(unused.getsockname()[0])
