import contextlib
from collections.abc import Callable
from typing import Any, TypeAlias

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.protocol import Names
from mnist_mlflow.tracking.aliases import CHALLENGER, CHAMPION, PREVIOUS, ROLLED_BACK, UNFINISHED
from mnist_mlflow.tracking.candidates import Candidate, as_candidate
from mnist_mlflow.tracking.registry import Registry
from tests.simulated import add_run

Client: TypeAlias = mlflow.MlflowClient


@pytest.fixture
def registry(store: Client) -> Registry:
    return Registry(store)


@pytest.fixture
def made(registry: Registry) -> Registry:
    registry.create()
    return registry


@pytest.fixture
def candidates(store: Client) -> list[Candidate]:
    runs = [add_run(store, accuracy) for accuracy in (0.9, 0.91, 0.92)]
    return [as_candidate(run, run.outputs.model_outputs[0].model_id) for run in map(store.get_run, runs)]


@pytest.fixture
def versions(made: Registry, candidates: list[Candidate]) -> list[str]:
    return [made.register(candidate, "a card", {"algorithm": "knn"}) for candidate in candidates]


@pytest.mark.usefixtures("made")
def test_a_version_has_its_tags_and_its_card(registry: Registry, candidates: list[Candidate]) -> None:
    number = registry.register(candidates[0], "a card", {"val_accuracy": 0.9})
    version = registry.client.get_model_version(registry.name, number)
    assert (version.run_id, version.description) == (candidates[0].run_id, "a card")
    assert version.tags == {"val_accuracy": "0.9"}
    assert registry.candidate(version).run_id == candidates[0].run_id


@pytest.mark.usefixtures("made")
def test_a_model_that_is_registered_stays_the_version_that_it_is(
    registry: Registry, candidates: list[Candidate]
) -> None:
    first = registry.register(candidates[0], "a card", {"a": 1})
    assert registry.register(candidates[0], "another", {"a": 2}) == first
    registered = registry.client.get_model_version(registry.name, first)
    assert (registered.description, registered.tags["a"]) == ("another", "2")


def test_the_champion_before_becomes_previous(registry: Registry, versions: list[str]) -> None:
    for version in versions[:2]:
        registry.make_champion(version)
    assert registry.aliases() == {CHAMPION: versions[1], PREVIOUS: versions[0], CHALLENGER: None}
    registry.make_champion(versions[1])
    assert registry.aliases()[PREVIOUS] == versions[0]


def test_a_challenger_that_becomes_champion_is_challenger_no_more(registry: Registry, versions: list[str]) -> None:
    registry.make_champion(versions[0])
    registry.make_challenger(versions[1])
    assert registry.aliases() == {CHAMPION: versions[0], PREVIOUS: None, CHALLENGER: versions[1]}
    registry.make_champion(versions[1])
    assert registry.aliases() == {CHAMPION: versions[1], PREVIOUS: versions[0], CHALLENGER: None}
    registry.make_champion(versions[0])
    assert registry.aliases() == {CHAMPION: versions[0], PREVIOUS: versions[1], CHALLENGER: None}


def test_a_rollback_is_one_step_and_remembered(
    registry: Registry, candidates: list[Candidate], versions: list[str]
) -> None:
    registry.make_champion(versions[0])
    registry.make_champion(versions[1])
    assert registry.roll_back() == (versions[0], versions[1])
    assert registry.aliases() == {CHAMPION: versions[0], PREVIOUS: versions[1], CHALLENGER: None}
    (reason,) = registry.taken_back().values()
    assert list(registry.taken_back()) == [candidates[1].run_id]
    assert f"delete the tag {ROLLED_BACK} of version {versions[1]}" in reason
    assert registry.roll_back() == (versions[1], versions[0])
    assert list(registry.taken_back()) == [candidates[0].run_id]


def test_a_challenger_that_a_rollback_puts_back_is_none_any_more(registry: Registry, versions: list[str]) -> None:
    registry.make_champion(versions[0])
    registry.make_champion(versions[1])
    registry.make_challenger(versions[0])
    registry.roll_back()
    aliases = registry.client.get_registered_model(registry.name).aliases
    assert aliases == {CHAMPION: int(versions[0]), PREVIOUS: int(versions[1])}


def test_without_a_previous_champion_there_is_nothing_to_go_back_to(registry: Registry, versions: list[str]) -> None:
    with pytest.raises(UserFacingError, match="no previous champion of mnist-digits"):
        registry.roll_back()
    registry.make_champion(versions[0])
    with pytest.raises(UserFacingError, match=r"no previous champion .* mlflow run \. -e select"):
        registry.roll_back()
    assert registry.aliases()[CHAMPION] == versions[0]


class Killed(BaseException):
    """The process was killed."""


def kill_at(step: int, client: Client, patch: pytest.MonkeyPatch) -> None:
    """Let the client change so many things in the registry; the next change raises Killed before it is made."""
    done, asked = iter(range(step)), client._get_registry_client()  # which each change goes through

    def killing(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **named: Any) -> Any:
            if next(done, None) is None:
                raise Killed
            return change(*arguments, **named)

        return changed

    for name in ("registered_model_tag", "registered_model_alias", "model_version_tag"):
        for verb in ("set", "delete"):
            patch.setattr(asked, f"{verb}_{name}", killing(getattr(asked, f"{verb}_{name}")))


STATES: dict[str, tuple[dict[str, int | None], dict[str, int | None]]] = {
    "make_champion": ({CHAMPION: 1, PREVIOUS: 0, CHALLENGER: 2}, {CHAMPION: 2, PREVIOUS: 1, CHALLENGER: None}),
    "roll_back": ({CHAMPION: 1, PREVIOUS: 0, CHALLENGER: 2}, {CHAMPION: 0, PREVIOUS: 1, CHALLENGER: 2}),
}


@pytest.mark.parametrize("change", STATES)
def test_a_process_killed_at_any_step_has_changed_all_or_nothing(
    registry: Registry,
    candidates: list[Candidate],
    versions: list[str],
    change: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def expected(state: dict[str, int | None]) -> dict[str, str | None]:
        return {alias: None if index is None else versions[index] for alias, index in state.items()}

    before, after = map(expected, STATES[change])
    for step in range(8):
        registry.move(before)
        with monkeypatch.context() as patch:
            kill_at(step, registry.client, patch)
            with contextlib.suppress(Killed):
                registry.make_champion(versions[2]) if change == "make_champion" else registry.roll_back()
            assert registry.version(CHAMPION) is not None
        registry.repair()
        assert registry.aliases() == (after if step else before)
        if change == "roll_back" and step:
            assert list(registry.taken_back()) == [candidates[1].run_id]
            registry.client.delete_model_version_tag(registry.name, versions[1], ROLLED_BACK)
        assert UNFINISHED not in registry.client.get_registered_model(registry.name).tags
        assert not registry.repair()


@pytest.mark.parametrize("text", ["mine", "[]", "{}", '{"aliases": {}, "taken_back": "", "at": ""}'])
def test_a_tag_that_is_no_change_is_taken_away(registry: Registry, text: str) -> None:
    registry.client.create_registered_model(registry.name)
    registry.client.set_registered_model_tag(registry.name, UNFINISHED, text)
    assert not registry.repair()
    assert not registry.state().tags


def test_there_is_nothing_to_repair_where_nothing_was_registered(registry: Registry) -> None:
    assert not registry.repair()
    assert registry.champion() is None


def test_a_version_that_was_deleted_is_no_champion(registry: Registry, versions: list[str]) -> None:
    registry.make_champion(versions[0])
    registry.client.delete_model_version(registry.name, versions[0])
    assert registry.version(CHAMPION) is None
    registry.make_champion(versions[1])
    assert registry.aliases() == {CHAMPION: versions[1], PREVIOUS: None, CHALLENGER: None}


def test_what_was_begun_with_a_version_that_is_gone_is_finished_without_it(
    registry: Registry, versions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.make_champion(versions[0])
    with monkeypatch.context() as patch:
        kill_at(1, registry.client, patch)
        with pytest.raises(Killed):
            registry.make_champion(versions[1])
    registry.client.delete_model_version(registry.name, versions[1])
    assert not registry.repair()
    assert UNFINISHED not in registry.state().tags
    assert registry.version(CHAMPION) is not None
    assert ROLLED_BACK not in registry.client.get_model_version(registry.name, versions[0]).tags


@pytest.mark.usefixtures("made")
def test_a_version_whose_run_is_gone_tells_of_itself(registry: Registry, candidates: list[Candidate]) -> None:
    tags = {"algorithm": "knn", "val_accuracy": "0.9", "model_mb": "1.5", "val_ece": "good", "split_digest": "s"}
    version = registry.client.get_model_version(registry.name, registry.register(candidates[0], "", tags))
    version._run_id = "0" * 32
    candidate = registry.candidate(version)
    assert (candidate.model_uri, candidate.algorithm) == (f"models:/{registry.name}/{version.version}", "knn")
    assert candidate.metrics == {"val_accuracy": 0.9, "val_log_loss": 0.1, "model_mb": 1.5}


def test_a_version_that_somebody_registered_by_hand_comes_from_its_run(registry: Registry) -> None:
    plain = registry.client.create_run("0").info.run_id
    registry.client.create_registered_model(registry.name)
    made = registry.client.create_model_version(registry.name, "/somewhere/model", plain)
    registry.make_champion(made.version)
    champion = registry.champion()
    assert champion
    assert (champion.run_id, champion.metrics) == (plain, {})
    assert "split_digest" not in champion.tags


def test_a_registry_of_another_name_is_another_registry(registry: Registry, candidates: list[Candidate]) -> None:
    other = Registry(registry.client, Names(registered_model="other"))
    other.create()
    other.make_champion(other.register(candidates[0], "", {}))
    assert (other.uri(CHAMPION), registry.version(CHAMPION)) == ("models:/other@champion", None)
    assert other.aliases()[CHAMPION] == "1"


def test_a_rollback_that_was_begun_is_finished_without_a_version_that_is_gone(
    registry: Registry, versions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.make_champion(versions[0])
    registry.make_champion(versions[1])
    with monkeypatch.context() as patch:
        kill_at(1, registry.client, patch)
        with pytest.raises(Killed):
            registry.roll_back()
    registry.client.delete_model_version(registry.name, versions[1])
    assert registry.repair()
    assert registry.aliases() == {CHAMPION: versions[0], PREVIOUS: None, CHALLENGER: None}


def test_a_store_that_fails_is_not_taken_for_one_without_a_champion(
    registry: Registry, versions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise MlflowException("the database is locked")

    registry.make_champion(versions[0])
    monkeypatch.setattr(registry.client, "get_model_version_by_alias", fail)
    with pytest.raises(MlflowException, match="locked"):
        registry.version(CHAMPION)
