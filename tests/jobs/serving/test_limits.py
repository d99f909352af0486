import base64
import json
import re

import pytest
from fastapi import FastAPI, HTTPException

from mnist_mlflow.jobs.serving import limits
from mnist_mlflow.jobs.serving.app import build_app
from mnist_mlflow.jobs.serving.limits import BYTES_OF_ONE, LARGEST, MOST_CLIENTS, RATE, Allowances
from mnist_mlflow.tracking.readers import Reader
from tests.jobs.serving.asking import GONE, ask

POSTS = ["/digit", "/digits", "/invocations"]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def allowances(clock: Clock) -> Allowances:
    return Allowances(clock)


def wait_of(allowances: Allowances, client: str = "ada") -> int:
    """The seconds that a client is told to wait; 0 where it is admitted."""
    try:
        allowances.admit(client)
    except HTTPException as refusal:
        return int((refusal.headers or {})["Retry-After"])
    return 0


def test_a_client_may_send_so_many_a_second_and_others_are_not_held_up(allowances: Allowances, clock: Clock) -> None:
    assert [wait_of(allowances) for _ in range(RATE + 1)] == [0] * RATE + [1]
    assert wait_of(allowances, "eve") == 0
    clock.now += 0.5
    assert [wait_of(allowances) for _ in range(RATE // 2 + 1)] == [0] * (RATE // 2) + [1]
    clock.now += 60  # which saves up no more than a second's
    assert [wait_of(allowances) for _ in range(RATE + 1)] == [0] * RATE + [1]


def test_large_requests_count_as_several(allowances: Allowances, clock: Clock) -> None:
    allowances.admit("ada")
    allowances.charge("ada", 3 * RATE * BYTES_OF_ONE)
    assert wait_of(allowances) == 3
    clock.now += 2.1
    assert wait_of(allowances) == 0


def test_clients_that_have_gone_are_forgotten(allowances: Allowances, clock: Clock) -> None:
    for number in range(MOST_CLIENTS):
        allowances.admit(f"client {number}")
    clock.now += 1
    allowances.charge("ada", 2 * RATE * BYTES_OF_ONE)
    allowances.admit("eve")
    assert wait_of(allowances) > 0
    assert len(allowances._buckets) == 2


@pytest.mark.parametrize("path", POSTS)
def test_the_application_counts_requests_by_client(
    reader: Reader, clock: Clock, png: bytes, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RATE", 3.5)  # the bytes of three requests cost a little too
    monkeypatch.setattr(Allowances.__init__, "__defaults__", (clock,))  # no time goes by on a slow machine either
    app = build_app(reader, "digits.example", None)
    replies = [ask(app, path, png) for _ in range(4)]
    assert [reply.status == 429 for reply in replies] == [False, False, False, True]
    assert int(replies[-1].headers["Retry-After"]) >= 1
    assert "send many in one" in replies[-1].json["message"]
    assert ask(app, path, png, client="203.0.113.2").status != 429
    assert ask(app, "/").status == 200


@pytest.mark.parametrize("path", POSTS)
def test_the_application_counts_bytes_too(app: FastAPI, png: bytes, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BYTES_OF_ONE", 1)
    body = png + bytes(9 * RATE)
    assert [ask(app, path, body).status == 429 for _ in range(2)] == [False, True]


@pytest.mark.parametrize("path", POSTS)
def test_a_request_that_is_too_large_is_refused_before_it_has_come(app: FastAPI, path: str) -> None:
    declared = ask(app, path, [], {"content-length": str(LARGEST + 1)}, ending=GONE)
    parts = ask(app, path, [bytes(LARGEST // 4)] * 5, ending=GONE)  # without its length
    for reply in (declared, parts):
        assert (reply.status, reply.json) == (413, {"message": "The request is too large; accepted are 16 MB."})


def test_a_request_that_breaks_off_or_comes_too_slowly_is_given_up(
    app: FastAPI, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(app, "/digit", png[:40], ending=GONE).status == 400
    monkeypatch.setattr(limits, "SLOWEST", 0.01)
    silent = {"type": "http.request", "body": b"", "more_body": True}
    reply = ask(app, "/digit", png[:40], ending=silent)
    assert reply.status == 408
    assert re.search("did not come within", reply.json["message"])


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        ("MOST_PIXELS", 500, r"have more than 0\.0005 megapixels together; send fewer of them"),
        ("LONGEST", 0, r"take more than 0 seconds together; send fewer of them"),
    ],
)
def test_pictures_that_are_too_much_work_together_are_refused(
    app: FastAPI, png: bytes, path: str, limit: str, value: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = {"image": base64.b64encode(png).decode()}
    body = json.dumps({"dataframe_records": [record, record]}).encode() if path == "/invocations" else png
    headers = {"content-type": "application/json"}
    assert ask(app, path, body, headers).status == 200
    monkeypatch.setattr(limits, limit, value)
    reply = ask(app, path, body, headers)
    assert reply.status == 413
    assert re.search(words, reply.json["message"])
