"""Changes of the aliases of a registered model: all or none, by one process at a time, and signed.

A change is crash-safe: the target state is first saved as a tag of the registered model. The next process completes
what a killed one has begun. A change is made under a claim (claims.py), on the state that it was decided on.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import mlflow
from mlflow.entities.model_registry import RegisteredModel
from mlflow.exceptions import MlflowException
from mlflow.tracking._model_registry.client import ModelRegistryClient
from pydantic import TypeAdapter

from mnist_mlflow import protocol
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.protocol import Names
from mnist_mlflow.tracking.claims import Claim, claim, describe_holder
from mnist_mlflow.tracking.servers import REFUSED
from mnist_mlflow.tracking.views import REGISTERED

CHAMPION, CHALLENGER, PREVIOUS = protocol.CHAMPION, "challenger", "previous"
ALIASES = (PREVIOUS, CHAMPION, CHALLENGER)
UNFINISHED = "unfinished"  # the tag with the target state of an alias change
DECIDED = "decided"  # the tag with who decided the aliases last, and when
ROLLED_BACK = "rolled_back"  # the tag of a version that was taken back, with the time; empty once that is undone
# The second for a missing alias. A server with logins refuses to tell what is not there.
MISSING = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", REFUSED)

Answer = TypeVar("Answer")
Aliases = dict[str, str | None]  # the version of each alias


@dataclass(frozen=True)
class Change:
    """A change of the aliases, the version that it takes back (empty for none), and its time."""

    aliases: Aliases
    taken_back: str
    at: str


@dataclass(frozen=True)
class State:
    """The tags of a registered model and the versions of its aliases at one moment."""

    tags: Mapping[str, str]
    aliases: Mapping[str, str]
    is_registered: bool = False

    @property
    def that_decides(self) -> State:
        """The state without the tags that tell no decision."""
        return replace(self, tags={key: text for key, text in self.tags.items() if key == DECIDED})

    def differences(self, since: State) -> list[str]:
        """The decisions and the moves of aliases that made this state of an earlier one, in words."""
        decided, texts = self.tags.get(DECIDED), []
        if decided != since.tags.get(DECIDED):
            texts.append(f"another selection decided meanwhile ({decided})")
        elif self.aliases != since.aliases:
            texts.append("somebody moved aliases meanwhile")
        for alias in ALIASES:
            before, now = (f"version {at}" if (at := state.aliases.get(alias)) else "none" for state in (since, self))
            texts += [f"{alias} was {before} and is {now}"] if before != now else []
        return texts


EMPTY = State({}, {})  # of a registered model that is not there


class AliasChanges:
    """The changes that this process makes to the aliases of a registered model."""

    def __init__(self, client: mlflow.MlflowClient, names: Names) -> None:
        self.client, self.name, self.names = client, names.registered_model, names
        self._claim: Claim | None = None

    @property
    def registry(self) -> ModelRegistryClient:
        """MLflow's client for what is known to be a model: the other asks before each change."""
        return self.client._get_registry_client()

    def state(self) -> State:
        """The state now, in one reading; an empty one where nothing is registered."""
        registered = or_none(lambda: self.client.get_registered_model(self.name))
        return as_state(registered) if registered else EMPTY

    @contextlib.contextmanager
    def alone(self, since: State | None) -> Iterator[None]:
        """Let this process alone, of all machines, change the registered model, and sign the change.

        First completes what a killed process has begun. Raises UserFacingError if the state is not `since` any more.
        """
        if since is None or not since.is_registered:
            self.create()
        with claim(self.client, self.name) as (held, registered):
            self._describe(registered)
            self._claim, now = held, as_state(registered)
            try:
                if UNFINISHED in now.tags:
                    self._complete_unfinished(now)
                    now = self.state()
                if since and (differences := now.differences(since)):
                    raise UserFacingError(
                        f"Nothing was changed: {'; '.join(differences)}. So this decision no longer holds. "
                        f"Decide again: {self.names.command('select')}"
                    )
                yield
            finally:
                self._claim = None
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            self.registry.set_registered_model_tag(self.name, DECIDED, f"{describe_holder()}, {at}")

    def change(self, aliases: Aliases, now: State, taken_back: str = "") -> None:
        """Set the aliases, all or none, and mark the version that is taken back; `now` was just read."""
        change = Change(aliases, taken_back, datetime.now(UTC).isoformat(timespec="seconds"))
        self._check_claim()
        self.registry.set_registered_model_tag(self.name, UNFINISHED, json.dumps(asdict(change)))
        self._complete(change, now.aliases)

    def repair(self, now: State | None = None) -> Change | None:
        """Complete the change that a killed process has begun, and return it; None where nothing was completed."""
        if UNFINISHED not in (now or self.state()).tags:
            return None
        with claim(self.client, self.name) as (_, registered):
            return self._complete_unfinished(as_state(registered))

    def create(self) -> None:
        """Make the registered model, unless it is there."""
        try:
            self.client.create_registered_model(self.name, description=REGISTERED.format(name=self.name))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _describe(self, registered: RegisteredModel) -> None:
        """Describe the registered model, which somebody may have made without; not where that is refused."""
        if registered.description:
            return
        with contextlib.suppress(MlflowException):
            self.registry.update_registered_model(self.name, REGISTERED.format(name=self.name))

    def _complete_unfinished(self, now: State) -> Change | None:
        unfinished = now.tags.get(UNFINISHED)
        if unfinished is None:
            return None
        change = _read(unfinished)
        return change if self._complete(change, now.aliases) else None

    def _complete(self, change: Change | None, now: Mapping[str, str]) -> bool:
        """Carry out a saved change; each step may be repeated to no effect.

        Returns False if the change is dropped. Then what was saved is no change, or names a champion that is gone.
        """
        number = change.aliases[CHAMPION] if change else None
        champion = or_none(lambda: self.client.get_model_version(self.name, number)) if number else None
        is_possible = change is not None and (not number or champion is not None)
        if change and is_possible:
            self._set_aliases(change, now)
            if champion and champion.tags.get(ROLLED_BACK):
                self.client.set_model_version_tag(self.name, champion.version, ROLLED_BACK, "")
        self._check_claim()
        self.registry.delete_registered_model_tag(self.name, UNFINISHED)
        return is_possible

    def _set_aliases(self, change: Change, now: Mapping[str, str]) -> None:
        if back := change.taken_back:
            _is_there(lambda: self.client.set_model_version_tag(self.name, back, ROLLED_BACK, change.at))
        for alias, version in change.aliases.items():
            self._check_claim()
            if version and version == now.get(alias):
                continue
            moved = partial(self.registry.set_registered_model_alias, self.name, alias, version)
            if not (version and _is_there(moved)) and now.get(alias):
                self._remove_alias(alias, change.aliases[CHAMPION])

    def _remove_alias(self, alias: str, champion: str | None) -> None:
        """Take an alias away; or, where that is not permitted, let it be another name of the champion's version."""
        try:
            self.registry.delete_registered_model_alias(self.name, alias)
        except MlflowException as error:
            if error.error_code != REFUSED or not champion:
                raise
            self.registry.set_registered_model_alias(self.name, alias, champion)

    def _check_claim(self) -> None:
        """Raise UserFacingError if the claim has lapsed meanwhile: then another process decides."""
        if self._claim:
            self._claim.check()


def as_state(registered: RegisteredModel) -> State:
    """The state of a registered model that was read."""
    aliases = {alias: str(version) for alias, version in registered.aliases.items()}
    return State(registered.tags, aliases, is_registered=True)


def as_aliases(versions: Mapping[str, str]) -> Aliases:
    """The versions of our aliases; one that stands beside the champion's says nothing."""
    champion = versions.get(CHAMPION)
    others = {alias: versions.get(alias) for alias in (PREVIOUS, CHALLENGER)}
    return {CHAMPION: champion, **{alias: None if at == champion else at for alias, at in others.items()}}


def _read(text: str) -> Change | None:
    """The change that a tag describes; None for a text of somebody else."""
    try:
        change = TypeAdapter(Change).validate_json(text)
    except ValueError:
        return None
    return change if CHAMPION in change.aliases else None


def _is_there(change: Callable[[], None]) -> bool:
    """Make a change; False if what it is about is gone."""
    try:
        change()
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
    return True


def or_none(query: Callable[[], Answer]) -> Answer | None:
    """The store's answer; None if there is nothing of that name. Any other error is raised."""
    try:
        return query()
    except MlflowException as error:
        if error.error_code not in MISSING:
            raise
        return None
