"""Requests to an application in this process, without a server between them."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message

HOST = {"host": "localhost:8000"}
GONE: Message = {"type": "http.disconnect"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Headers
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


def ask(
    app: ASGIApp,
    path: str,
    body: bytes | Iterable[bytes] | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
    client: str = "203.0.113.1",
    ending: Message | None = None,
) -> Reply:
    """The reply to GET, or to POST where there is a body; of several parts, the last is followed by `ending`."""
    path, _, query = path.partition("?")
    parts = [body] if isinstance(body, bytes) else list(body or [])
    pending: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    pending.append(ending or {"type": "http.request", "body": b"", "more_body": False})
    sent: list[Message] = []

    async def receive() -> Message:
        if pending:
            return pending.pop(0)
        return await asyncio.Future()  # whose sender is silent

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET" if body is None else "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), text.encode()) for name, text in {**HOST, **headers}.items()],
        "client": (client, 1),
        "server": ("localhost", 8000),
        "scheme": "http",
        "root_path": "",
        "http_version": "1.1",
    }

    async def call() -> None:
        await app(scope, receive, send)

    try:
        asyncio.run(call())
    except Exception:  # of a mistake that was answered, for the log of a server
        if not sent:
            raise
    start, *rest = sent
    return Reply(start["status"], Headers(scope=start), b"".join(message.get("body", b"") for message in rest))
