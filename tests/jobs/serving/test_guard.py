import socket

import pytest
from fastapi import FastAPI

from tests.jobs.serving.asking import ask

OWN = socket.gethostname()


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "192.0.2.7:80", "[::1]:8000", "[fe80::1]", "digits.example", OWN],
)
def test_own_names_and_addresses_are_answered(app: FastAPI, host: str) -> None:
    assert ask(app, "/health", headers={"host": host}).status == 200


@pytest.mark.parametrize("host", ["evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "", ":8000"])
@pytest.mark.parametrize("body", [None, b"x"])
def test_other_names_are_refused(app: FastAPI, host: str, body: bytes | None) -> None:
    for path in ("/", "/digit", "/invocations", "/static/page.js"):
        reply = ask(app, path, body, {"host": host})
        assert (reply.status, list(reply.json)) == (421, ["message"])


@pytest.mark.parametrize("path", ["/", "/static/page.js", "/health", "/nowhere"])
def test_browsers_are_told_to_load_nothing_from_elsewhere(app: FastAPI, path: str) -> None:
    headers = ask(app, path).headers
    rules = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert rules.pop("img-src") == "'self' data: blob:"
    assert {*rules.values()} == {"'none'", "'self'"}
    assert (rules["default-src"], rules["frame-ancestors"]) == ("'none'", "'none'")
    assert headers["x-content-type-options"] == "nosniff"
