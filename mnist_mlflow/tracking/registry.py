"""The model registry: one registered model, whose champion everybody loads, and which remembers those before it.

Which version bears which alias is changed in one step that cannot stay half done: what is to be is written down
first, in a tag of the registered model, and whoever comes next finishes what a killed process began.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.tracking.candidates import Candidate, as_candidate

_NAME = "mnist-digits"  # of the registered model, unless another is named
CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
ALIASES = (PREVIOUS, CHAMPION, CHALLENGER)
UNFINISHED = "unfinished"  # the tag that says which version every alias is to have
ROLLED_BACK = "rolled_back"  # the tag of a version that somebody has taken back, with the time

NOT_THERE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # the latter for an alias that there is not

Found = TypeVar("Found")
Aliases = dict[str, str | None]  # the version that has each alias


def alias_uri(alias: str, name: str = _NAME) -> str:
    """The URI that MLflow loads the version of a registered model with an alias from."""
    return f"models:/{name}@{alias}"


class Registry:
    """The registered model, seen through a client; to be changed by one process at a time (`registry_lock`)."""

    def __init__(self, client: mlflow.MlflowClient, name: str = _NAME) -> None:
        self.client, self.name = client, name

    def uri(self, alias: str) -> str:
        """The URI that MLflow loads the version with an alias from."""
        return alias_uri(alias, self.name)

    def version(self, alias: str) -> ModelVersion | None:
        """The version that has an alias; None where none has, or where it was deleted."""
        return _or_none(lambda: self.client.get_model_version_by_alias(self.name, alias))

    def aliases(self) -> Aliases:
        """Which versions have the aliases now."""
        found = {alias: self.version(alias) for alias in ALIASES}
        return {alias: str(version.version) if version else None for alias, version in found.items()}

    def version_of(self, candidate: Candidate) -> ModelVersion | None:
        """The version that a candidate's model is registered as, if it is."""
        condition = f"name = '{self.name}' and run_id = '{candidate.run_id}'"
        versions = self.client.search_model_versions(condition)
        return next((found for found in versions if found.source == candidate.model_uri), None)

    def candidate(self, version: ModelVersion) -> Candidate:
        """What a version comes from; where its run is gone, what the version itself tells of it."""
        address = f"{self.name}/{version.version}"
        found = _or_none(lambda: as_candidate(self.client, version.run_id, address))
        if found is None:
            algorithm = version.tags.get("algorithm", "")
            return Candidate(version.run_id or "", address, algorithm, _metrics(version.tags), tags=version.tags)
        return replace(found, tags={**version.tags, **found.tags})

    def artifacts(self, run_id: str) -> str:
        """Where the artifacts of a run are; raises UserFacingError where the run is gone."""
        try:
            root: str = self.client.get_run(run_id).info.artifact_uri
        except MlflowException as error:
            raise UserFacingError(f"The run {run_id} is gone ({one_line(error)})") from error
        return root

    def champion(self) -> Candidate | None:
        """What the champion comes from, if there is one."""
        version = self.version(CHAMPION)
        return self.candidate(version) if version else None

    def taken_back(self) -> dict[str, str]:
        """The runs whose models were champion and were taken back, and what is to be said of each."""
        versions = self.client.search_model_versions(f"name = '{self.name}'")
        return {found.run_id: _taken_back_text(found) for found in versions if ROLLED_BACK in found.tags}

    def register(self, candidate: Candidate, card: str, tags: Mapping[str, object]) -> str:
        """Register a candidate's model with all that is to be said of it; returns its version.

        A model that is registered already stays the version that it is, and is said anew.
        """
        said = {key: str(value) for key, value in tags.items()}
        known = self.version_of(candidate)
        version = str((known or mlflow.register_model(candidate.model_uri, self.name, tags=said)).version)
        if known:
            self.tag(version, said)
        self.describe(version, card)
        return version

    def tag(self, version: str, tags: Mapping[str, object]) -> None:
        """Set tags of a version."""
        for key, value in tags.items():
            self.client.set_model_version_tag(self.name, version, key, str(value))

    def describe(self, version: str, card: str) -> None:
        """Set what the registry's page says of a version, in Markdown."""
        self.client.update_model_version(self.name, version, card)

    def make_champion(self, version: str) -> None:
        """Make a version the champion, and the champion before it `previous`."""
        now = self.aliases()
        if now[CHAMPION] == version:
            self.move({**now, CHALLENGER: None if now[CHALLENGER] == version else now[CHALLENGER]})
        else:
            others = {PREVIOUS: now[CHAMPION] or now[PREVIOUS], CHALLENGER: now[CHALLENGER]}
            self.move({CHAMPION: version, **{key: None if at == version else at for key, at in others.items()}})

    def make_challenger(self, version: str) -> None:
        """Make a version the challenger."""
        self.move({**self.aliases(), CHALLENGER: version})

    def roll_back(self) -> tuple[str, str]:
        """Put the previous champion back in its place; returns its version, and that of the one that was taken back.

        The latter does not become champion again by itself. Raises UserFacingError when there is none to put back.
        """
        now = self.aliases()
        champion, previous = now[CHAMPION], now[PREVIOUS]
        if not champion or not previous:
            raise UserFacingError(
                f"There is no {'previous champion' if champion else 'champion'} of {self.name} to go back from "
                "or to. A model becomes champion by: mlflow run . -e select --env-manager local"
            )
        self._change({**now, CHAMPION: previous, PREVIOUS: champion}, taken_back=champion)
        return previous, champion

    def move(self, aliases: Aliases) -> None:
        """Give the aliases to these versions, all or none."""
        if aliases != self.aliases():
            self._change(aliases)

    def _change(self, aliases: Aliases, taken_back: str = "") -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        change = json.dumps({"aliases": aliases, "taken_back": taken_back, "at": at})
        self.client.set_registered_model_tag(self.name, UNFINISHED, change)
        self._finish(aliases, taken_back, at)

    def repair(self) -> bool:
        """Finish what a process that was killed has begun; returns whether there was anything."""
        registered = _or_none(lambda: self.client.get_registered_model(self.name))
        tags = registered.tags if registered else {}
        if UNFINISHED not in tags:
            return False
        self._finish(**json.loads(tags[UNFINISHED]))
        return True

    def _finish(self, aliases: Aliases, taken_back: str, at: str) -> None:
        """Do, or do to its end, what was written down; what was done before is done again to no effect.

        Where the version that was to be champion is gone by now, nothing is left to be done.
        """
        champion = aliases[CHAMPION]
        if not champion or self._exists(champion):
            self._give(aliases, taken_back, at)
        self.client.delete_registered_model_tag(self.name, UNFINISHED)

    def _give(self, aliases: Aliases, taken_back: str, at: str) -> None:
        if taken_back and self._exists(taken_back):
            self.tag(taken_back, {ROLLED_BACK: at})
        for alias, version in aliases.items():
            if version and self._exists(version):
                self.client.set_registered_model_alias(self.name, alias, version)
            elif self.version(alias):
                self.client.delete_registered_model_alias(self.name, alias)
        if taken_back and (champion := self.version(CHAMPION)) and ROLLED_BACK in champion.tags:
            self.client.delete_model_version_tag(self.name, str(champion.version), ROLLED_BACK)

    def _exists(self, version: str) -> bool:
        return _or_none(lambda: self.client.get_model_version(self.name, version)) is not None


def _metrics(tags: Mapping[str, str]) -> dict[str, float]:
    """The metrics among the tags of a version."""
    names = [name for name in tags if name.startswith(("val_", "test_accuracy", "test_f1")) or name == "model_mb"]
    return {name: float(tags[name]) for name in names}


def _taken_back_text(version: ModelVersion) -> str:
    return (
        f"it was champion and was taken back on {version.tags[ROLLED_BACK]}; to let it take part again, "
        f"delete the tag {ROLLED_BACK} of version {version.version}"
    )


def _or_none(ask: Callable[[], Found]) -> Found | None:
    """What the store answers; None where there is nothing of that name, which no other error is to be taken for."""
    try:
        return ask()
    except MlflowException as error:
        if error.error_code not in NOT_THERE:
            raise
        return None
