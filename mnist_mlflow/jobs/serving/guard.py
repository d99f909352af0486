"""Guards: which host names are answered, and what browsers are told to refuse."""

from __future__ import annotations

import contextlib
import ipaddress
import socket

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # browsers keep a file and ask whether it is still the same
}


class Guard:
    """Refuses requests to unknown host names, and sets the headers of all answers.

    A page of somebody else can let its own name lead to this machine, and would read the answers (DNS rebinding).
    It cannot do so with an address in place of a name: addresses are always answered.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self.app = app
        own = socket.gethostname().lower()
        self.names = {"localhost", host.lower(), own, f"{own}.local"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it (421)."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        host = Headers(scope=scope).get("host", "")
        app = self.app if self._is_known(host) else _refuse(host)
        await app(scope, receive, send_with_headers)

    def _is_known(self, host: str) -> bool:
        name = host.lower().rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host.lower()
        with contextlib.suppress(ValueError):
            return bool(ipaddress.ip_address(name.strip("[]")))
        return name in self.names


def _refuse(host: str) -> ASGIApp:
    text = f"This server is not called {host!r}. Type its address, or start it with --host NAME."
    return JSONResponse({"message": text}, 421)
