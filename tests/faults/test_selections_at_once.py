"""Two selections at once on two machines: no lock of files holds between them, only what the store keeps."""

import contextlib
import json
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from mlflow.entities.model_registry import (
    ModelVersion,
    ModelVersionTag,
    RegisteredModel,
    RegisteredModelAlias,
    RegisteredModelTag,
)
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, RESOURCE_ALREADY_EXISTS

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.processes import this_process
from mnist_mlflow.tracking import claims
from mnist_mlflow.tracking.aliases import CHALLENGER, CHAMPION, DECIDED, PREVIOUS, UNFINISHED
from mnist_mlflow.tracking.candidates import as_candidate
from mnist_mlflow.tracking.registry import Registry
from tests.simulated import Client, add_run

Decide = Callable[[Registry], None]
MOST = 20  # requests of one decision, and a few more
LONGEST = 30  # seconds that a thread waits for its turn
STEPS = ("get_registered_model", "set_", "delete_")  # the requests after which the other may go on
DECISIONS: dict[str, Decide] = {
    "crown 3": lambda registry: registry.make_champion("3"),
    "crown 4": lambda registry: registry.make_champion("4"),
    "challenge with 4": lambda registry: registry.make_challenger("4"),
    "crown 2 again": lambda registry: registry.make_champion("2"),
    "roll back": lambda registry: cast(None, registry.roll_back()),
}
BEFORE = {CHAMPION: "2", PREVIOUS: "1", CHALLENGER: "3"}


class Turns:
    """The order in which two threads make requests: so many of the first, of the second, and so on.

    After these each goes on to its end, or until it waits for the other.
    """

    def __init__(self, *requests: int) -> None:
        self.requests, self.turn, self.running = list(requests), 0, {0, 1}
        self.changed = threading.Condition()

    def take(self, thread: int) -> None:
        with self.changed:
            self._wait(thread)
            if self.requests and not self.requests[0]:
                self._pass(thread)
                self._wait(thread)
            if self.requests:
                self.requests[0] -= 1

    def give(self, thread: int) -> None:
        with self.changed:
            self._pass(thread)

    def end(self, thread: int) -> None:
        with self.changed:
            self.running.discard(thread)
            self._pass(thread)

    def _wait(self, thread: int) -> None:
        assert self.changed.wait_for(lambda: self.turn == thread, LONGEST)

    def _pass(self, thread: int) -> None:
        self.requests = self.requests[1:]
        self.turn = 1 - thread if 1 - thread in self.running else thread
        self.changed.notify_all()


class SteppedClient:
    """A client that takes its turn before each request."""

    def __init__(self, client: Client, turns: Turns, thread: int) -> None:
        self.client, self.turns, self.thread = client, turns, thread

    def _get_registry_client(self) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith(STEPS):
            self.turns.take(self.thread)
        return getattr(self.client, name)


def decide_both(client: Client, decisions: tuple[str, str], turns: Turns, patch: pytest.MonkeyPatch) -> list[str]:
    """Let two threads decide by turns; returns what each said, nothing where it decided."""
    said = ["", ""]

    def decide(thread: int) -> None:
        registry, name = Registry(cast(Client, SteppedClient(client, turns, thread))), decisions[thread]
        try:
            since = None if name == "roll back" else registry.state()
            with registry.alone(since):
                DECISIONS[name](registry)
        except UserFacingError as error:
            said[thread] = str(error)
        finally:
            turns.end(thread)

    threads = [threading.Thread(target=decide, args=(number,), name=str(number), daemon=True) for number in (0, 1)]
    sleep = lambda seconds: turns.give(int(threading.current_thread().name))  # noqa: E731
    patch.setattr(claims, "time", SimpleNamespace(time=time.time, monotonic=time.monotonic, sleep=sleep))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONGEST)
        assert not thread.is_alive()
    patch.undo()
    return said


class MemoryClient:
    """The registry of a server with four versions, in memory: a request is one step, as in a database."""

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.versions: dict[str, dict[str, str]] = {version: {} for version in "1234"}

    def _get_registry_client(self) -> Any:
        return self

    def create_registered_model(self, name: str, description: str) -> None:
        raise MlflowException("it is there", RESOURCE_ALREADY_EXISTS)

    def get_registered_model(self, name: str) -> RegisteredModel:
        tags = [RegisteredModelTag(key, value) for key, value in self.tags.items()]
        aliases = [RegisteredModelAlias(alias, version) for alias, version in self.aliases.items()]
        return RegisteredModel(name, description="ours", tags=tags, aliases=aliases)

    def set_registered_model_tag(self, name: str, key: str, value: str) -> None:
        self.tags[key] = value

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        self.tags.pop(key, None)

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        self.aliases[alias] = version

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        self.aliases.pop(alias, None)

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        if alias not in self.aliases:
            raise MlflowException("no such alias", INVALID_PARAMETER_VALUE)
        return self.get_model_version(name, self.aliases[alias])

    def get_model_version(self, name: str, version: str) -> ModelVersion:
        tags = [ModelVersionTag(key, value) for key, value in self.versions[version].items()]
        return ModelVersion(name, version, 0, tags=tags)

    def set_model_version_tag(self, name: str, version: str, key: str, value: str) -> None:
        self.versions[version][key] = value

    def delete_model_version_tag(self, name: str, version: str, key: str) -> None:
        del self.versions[version][key]


def aliases_after(client: Client, *decisions: str) -> dict[str, str | None]:
    """The aliases after decisions one by one."""
    registry = Registry(client)
    registry.move({**BEFORE})
    for decision in decisions:
        DECISIONS[decision](registry)
    return registry.aliases()


def check_schedule(
    client: Client, decisions: tuple[str, str], requests: tuple[int, ...], patch: pytest.MonkeyPatch
) -> tuple[bool, bool]:
    """Check that the aliases are those of who decided, and that another one says so; returns which decided."""
    first, second = decisions
    expected = {
        (True, True): [aliases_after(client, first, second), aliases_after(client, second, first)],
        (True, False): [aliases_after(client, first)],
        (False, True): [aliases_after(client, second)],
    }
    aliases_after(client)
    with patch.context() as context:
        said = decide_both(client, decisions, Turns(*requests), context)
    decided = (not said[0], not said[1])
    assert Registry(client).aliases() in expected[decided], (requests, said)
    assert all("meanwhile" in text for text in said if text)
    tags = Registry(client).state().tags
    assert UNFINISHED not in tags
    assert not [tag for tag in tags if tag.startswith(claims.PREFIX)]
    return decided


@pytest.mark.parametrize(
    "decisions",
    [("crown 3", "crown 4"), ("crown 3", "challenge with 4"), ("roll back", "crown 4"), ("crown 2 again", "crown 3")],
    ids=" and ".join,
)
def test_of_two_at_once_one_decides_and_the_other_says_so(
    decisions: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = cast(Client, MemoryClient())
    schedules = [(requests, others) for requests in range(MOST) for others in range(1, MOST, 2)]
    decided = {check_schedule(client, decisions, schedule, monkeypatch) for schedule in schedules}
    assert {(True, False), (False, True)} <= decided or "roll back" in decisions


@pytest.mark.parametrize("requests", [3, 9])
def test_a_real_store_keeps_claims_apart(store: Client, requests: int, monkeypatch: pytest.MonkeyPatch) -> None:
    Registry(store).create()
    for accuracy in (0.9, 0.91, 0.92, 0.93):
        run = store.get_run(add_run(store, accuracy))
        Registry(store).register(as_candidate(run, run.outputs.model_outputs[0].model_id), "", {})
    decided = check_schedule(store, ("crown 3", "crown 4"), (requests, 2), monkeypatch)
    assert decided in {(True, False), (False, True)}


ELSEWHERE = {"host": "elsewhere", "boot": "1", "pids": "1", "installation": "1", "pid": 7, "born": 0.0}


def leave_claim(client: Client, owner: dict[str, Any], at: float) -> None:
    """Leave the claim of a process, which goes first."""
    content = {"by": "run 123 of alice@elsewhere", "owner": json.dumps(owner), "at": at}
    client.set_registered_model_tag("mnist-digits", f"{claims.PREFIX}0", json.dumps(content))


@pytest.mark.parametrize(
    ("owner", "age"),
    [({**this_process(), "born": -1000.0}, 0), (ELSEWHERE, claims.LAPSE + 1)],
    ids=["its process is gone", "it has lapsed"],
)
def test_a_claim_that_a_killed_process_has_left_is_taken_away(owner: dict[str, Any], age: float) -> None:
    client = cast(Client, MemoryClient())
    leave_claim(client, owner, time.time() - age)
    with Registry(client).alone():
        Registry(client).make_champion("1")
    assert client.get_registered_model("mnist-digits").tags.keys() == {DECIDED}


@pytest.mark.parametrize("text", ["", "mine", "[]", '{"by": "me", "at": "today"}'])
def test_a_tag_that_is_no_claim_holds_nobody_up(text: str) -> None:
    client = cast(Client, MemoryClient())
    client.set_registered_model_tag("mnist-digits", f"{claims.PREFIX}0", text)
    with Registry(client).alone():
        Registry(client).make_champion("1")
    assert client.get_registered_model("mnist-digits").tags.keys() == {DECIDED}


def test_a_claim_that_stays_is_waited_for_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "PATIENCE", 0)
    monkeypatch.setattr(claims, "POLL", 0)
    client = cast(Client, MemoryClient())
    leave_claim(client, ELSEWHERE, time.time())
    with (
        pytest.raises(UserFacingError, match=r"run 123 of alice@elsewhere\. .*lapses after 15 minutes"),
        Registry(client).alone(),
    ):
        pytest.fail("two processes have a claim")
    assert client.get_registered_model("mnist-digits").tags.keys() == {f"{claims.PREFIX}0"}


def test_a_process_that_stood_still_until_its_claim_lapsed_leaves_the_aliases_alone() -> None:
    client = cast(Client, MemoryClient())
    registry, other = Registry(client), Registry(client)
    with contextlib.ExitStack() as stack:
        stack.enter_context(registry.alone())
        for tag in client.get_registered_model(registry.name).tags:
            client.delete_registered_model_tag(registry.name, tag)
        with other.alone():
            other.make_champion("2")
        with pytest.raises(UserFacingError, match="stood still for over 15 minutes"):
            registry.make_champion("1")
    assert other.aliases()[CHAMPION] == "2"


def test_aliases_that_somebody_moved_by_hand_are_no_ground_for_a_decision() -> None:
    client = cast(Client, MemoryClient())
    registry = Registry(client)
    seen = registry.state()
    registry.make_champion("2")
    with (
        pytest.raises(UserFacingError, match=r"somebody moved aliases meanwhile.*mlflow run \. -e select"),
        registry.alone(seen),
    ):
        pytest.fail("the decision is void")
