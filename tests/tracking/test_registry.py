import contextlib
from collections.abc import Callable
from typing import Any, TypeAlias

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.tracking.candidates import Candidate, as_candidate
from mnist_mlflow.tracking.registry import (
    CHALLENGER,
    CHAMPION,
    PREVIOUS,
    REGISTERED_MODEL,
    ROLLED_BACK,
    UNFINISHED,
    Registry,
)
from tests.simulated import add_run

Client: TypeAlias = mlflow.MlflowClient


@pytest.fixture
def registry(store: Client) -> Registry:
    return Registry(store)


@pytest.fixture
def candidates(store: Client) -> list[Candidate]:
    runs = [add_run(store, accuracy) for accuracy in (0.9, 0.91, 0.92)]
    return [as_candidate(store, run, store.get_run(run).outputs.model_outputs[0].model_id) for run in runs]


@pytest.fixture
def versions(registry: Registry, candidates: list[Candidate]) -> list[str]:
    return [registry.register(candidate, "a card", {"algorithm": "knn"}) for candidate in candidates]


def test_a_version_has_its_tags_and_its_card(registry: Registry, candidates: list[Candidate]) -> None:
    version = registry.register(candidates[0], "a card", {"val_accuracy": 0.9})
    found = registry.client.get_model_version(REGISTERED_MODEL, version)
    assert (found.run_id, found.description, found.tags) == (candidates[0].run_id, "a card", {"val_accuracy": "0.9"})
    assert registry.candidate(found).run_id == candidates[0].run_id


def test_a_model_that_is_registered_stays_the_version_that_it_is(
    registry: Registry, candidates: list[Candidate]
) -> None:
    first = registry.register(candidates[0], "a card", {"a": 1})
    assert registry.register(candidates[0], "another", {"a": 2}) == first
    found = registry.client.get_model_version(REGISTERED_MODEL, first)
    assert (found.description, found.tags["a"]) == ("another", "2")


def test_the_champion_before_becomes_previous(registry: Registry, versions: list[str]) -> None:
    for version in versions[:2]:
        registry.crown(version)
    assert registry.aliases() == {CHAMPION: versions[1], PREVIOUS: versions[0], CHALLENGER: None}
    registry.crown(versions[1])
    assert registry.aliases()[PREVIOUS] == versions[0]


def test_a_challenger_that_becomes_champion_is_challenger_no_more(registry: Registry, versions: list[str]) -> None:
    registry.crown(versions[0])
    registry.challenge(versions[1])
    assert registry.aliases() == {CHAMPION: versions[0], PREVIOUS: None, CHALLENGER: versions[1]}
    registry.crown(versions[1])
    assert registry.aliases() == {CHAMPION: versions[1], PREVIOUS: versions[0], CHALLENGER: None}
    registry.crown(versions[0])
    assert registry.aliases() == {CHAMPION: versions[0], PREVIOUS: versions[1], CHALLENGER: None}


def test_a_rollback_is_one_step_and_remembered(
    registry: Registry, candidates: list[Candidate], versions: list[str]
) -> None:
    registry.crown(versions[0])
    registry.crown(versions[1])
    assert registry.roll_back() == (versions[0], versions[1])
    assert registry.aliases() == {CHAMPION: versions[0], PREVIOUS: versions[1], CHALLENGER: None}
    (reason,) = registry.taken_back().values()
    assert list(registry.taken_back()) == [candidates[1].run_id]
    assert f"delete the tag {ROLLED_BACK} of version {versions[1]}" in reason
    assert registry.roll_back() == (versions[1], versions[0])
    assert list(registry.taken_back()) == [candidates[0].run_id]


def test_without_a_previous_champion_there_is_nothing_to_go_back_to(registry: Registry, versions: list[str]) -> None:
    with pytest.raises(UserFacingError, match="no champion of mnist-digits"):
        registry.roll_back()
    registry.crown(versions[0])
    with pytest.raises(UserFacingError, match=r"no previous champion .* mlflow run \. -e select"):
        registry.roll_back()
    assert registry.aliases()[CHAMPION] == versions[0]


class Killed(BaseException):
    """The process was killed."""


def kill_at(step: int, client: Client, patch: pytest.MonkeyPatch) -> None:
    """Let the client change so many things in the registry; whoever changes one more is killed before it is done."""
    done = iter(range(step))

    def killing(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **named: Any) -> Any:
            if next(done, None) is None:
                raise Killed
            return change(*arguments, **named)

        return changed

    for name in ("registered_model_tag", "registered_model_alias", "model_version_tag"):
        for verb in ("set", "delete"):
            patch.setattr(client, f"{verb}_{name}", killing(getattr(client, f"{verb}_{name}")))


STATES = {
    "crown": ({CHAMPION: 1, PREVIOUS: 0, CHALLENGER: 2}, {CHAMPION: 2, PREVIOUS: 1, CHALLENGER: None}),
    "roll_back": ({CHAMPION: 1, PREVIOUS: 0, CHALLENGER: 2}, {CHAMPION: 0, PREVIOUS: 1, CHALLENGER: 2}),
}


@pytest.mark.parametrize("what", STATES)
@pytest.mark.parametrize("step", range(8))
def test_whoever_is_killed_at_any_step_has_changed_all_or_nothing(
    registry: Registry,
    candidates: list[Candidate],
    versions: list[str],
    what: str,
    step: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def expected(state: dict[str, int | None]) -> dict[str, str | None]:
        return {alias: None if index is None else versions[index] for alias, index in state.items()}

    before, after = map(expected, STATES[what])
    registry.crown(versions[0])
    registry.crown(versions[1])
    registry.challenge(versions[2])
    assert registry.aliases() == before
    with monkeypatch.context() as patch:
        kill_at(step, registry.client, patch)
        with contextlib.suppress(Killed):
            registry.crown(versions[2]) if what == "crown" else registry.roll_back()
        assert registry.version(CHAMPION) is not None
    registry.repair()
    assert registry.aliases() == (after if step else before)
    if what == "roll_back" and step:
        assert list(registry.taken_back()) == [candidates[1].run_id]
    assert UNFINISHED not in registry.client.get_registered_model(REGISTERED_MODEL).tags
    assert not registry.repair()


def test_there_is_nothing_to_repair_where_nothing_was_registered(registry: Registry) -> None:
    assert not registry.repair()
    assert registry.champion() is None


def test_a_version_that_was_deleted_is_no_champion(registry: Registry, versions: list[str]) -> None:
    registry.crown(versions[0])
    registry.client.delete_model_version(REGISTERED_MODEL, versions[0])
    assert registry.version(CHAMPION) is None
    registry.crown(versions[1])
    assert registry.aliases() == {CHAMPION: versions[1], PREVIOUS: None, CHALLENGER: None}


def test_what_was_begun_with_a_version_that_is_gone_is_finished_without_it(
    registry: Registry, versions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.crown(versions[0])
    with monkeypatch.context() as patch:
        kill_at(1, registry.client, patch)
        with pytest.raises(Killed):
            registry.crown(versions[1])
    registry.client.delete_model_version(REGISTERED_MODEL, versions[1])
    assert registry.repair()
    assert registry.version(CHAMPION) is not None
    assert ROLLED_BACK not in registry.client.get_model_version(REGISTERED_MODEL, versions[0]).tags


def test_a_version_whose_run_is_gone_tells_of_itself(registry: Registry, versions: list[str]) -> None:
    registry.crown(versions[0])
    version = registry.version(CHAMPION)
    version._run_id = "0" * 32
    found = registry.candidate(version)
    assert (found.model_uri, found.algorithm) == (f"models:/{REGISTERED_MODEL}/{versions[0]}", "knn")


def test_a_rollback_that_was_begun_is_finished_without_a_version_that_is_gone(
    registry: Registry, versions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.crown(versions[0])
    registry.crown(versions[1])
    with monkeypatch.context() as patch:
        kill_at(1, registry.client, patch)
        with pytest.raises(Killed):
            registry.roll_back()
    registry.client.delete_model_version(REGISTERED_MODEL, versions[1])
    assert registry.repair()
    assert registry.aliases() == {CHAMPION: versions[0], PREVIOUS: None, CHALLENGER: None}


def test_a_store_that_fails_is_not_taken_for_one_without_a_champion(
    registry: Registry, versions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise MlflowException("the database is locked")

    registry.crown(versions[0])
    monkeypatch.setattr(registry.client, "get_model_version_by_alias", fail)
    with pytest.raises(MlflowException, match="locked"):
        registry.version(CHAMPION)
