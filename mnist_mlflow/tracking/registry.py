"""The model registry: one registered model, whose champion everybody loads, and which remembers the one before.

Alias changes are crash-safe: the target state is first saved as a tag of the registered model. The next process
completes what a killed one has begun.
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
UNFINISHED = "unfinished"  # the tag with the target state of an alias change
ROLLED_BACK = "rolled_back"  # the tag of a version that was taken back, with the time
MISSING = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # the latter for a missing alias

Answer = TypeVar("Answer")
Aliases = dict[str, str | None]  # the version of each alias


def alias_uri(alias: str, name: str = _NAME) -> str:
    """The URI that MLflow loads the version of a registered model with an alias from."""
    return f"models:/{name}@{alias}"


class Registry:
    """The registered model; one process at a time may change it (`registry_lock`)."""

    def __init__(self, client: mlflow.MlflowClient, name: str = _NAME) -> None:
        self.client, self.name = client, name

    def uri(self, alias: str) -> str:
        """The URI that MLflow loads the version with an alias from."""
        return alias_uri(alias, self.name)

    def version(self, alias: str) -> ModelVersion | None:
        """The version that has an alias; None if there is none, or it was deleted."""
        return _or_none(lambda: self.client.get_model_version_by_alias(self.name, alias))

    def aliases(self) -> Aliases:
        """The versions that have the aliases now."""
        versions = {alias: self.version(alias) for alias in ALIASES}
        return {alias: str(version.version) if version else None for alias, version in versions.items()}

    def candidate(self, version: ModelVersion) -> Candidate:
        """The candidate that a version was registered from; if its run is gone, by the version's own tags."""
        model_id, tags = f"{self.name}/{version.version}", version.tags
        candidate = _or_none(lambda: as_candidate(self.client.get_run(version.run_id), model_id))
        if candidate is None:
            return Candidate(version.run_id or "", model_id, tags.get("algorithm", ""), _metrics(tags), tags=tags)
        return replace(candidate, tags={**tags, **candidate.tags})

    def artifacts(self, run_id: str) -> str:
        """The address of a run's artifacts; raises UserFacingError if the run is gone."""
        try:
            root: str = self.client.get_run(run_id).info.artifact_uri
        except MlflowException as error:
            raise UserFacingError(f"The run {run_id} is gone ({one_line(error)})") from error
        return root

    def champion(self) -> Candidate | None:
        """The candidate that the champion was registered from, if there is one."""
        version = self.version(CHAMPION)
        return self.candidate(version) if version else None

    def taken_back(self) -> dict[str, str]:
        """The runs whose models were taken back by a rollback, each with what to do to let it take part again."""
        versions = self.client.search_model_versions(f"name = '{self.name}'")
        return {
            version.run_id: f"it was champion and was taken back on {version.tags[ROLLED_BACK]}; to let it take part "
            f"again, delete the tag {ROLLED_BACK} of version {version.version}"
            for version in versions
            if ROLLED_BACK in version.tags
        }

    def register(self, candidate: Candidate, card: str, tags: Mapping[str, object]) -> str:
        """Register a candidate's model with a card and tags; returns its version.

        A model that is registered already stays the version that it is; its card and tags are replaced.
        """
        texts = {key: str(value) for key, value in tags.items()}
        versions = self.client.search_model_versions(f"name = '{self.name}' and run_id = '{candidate.run_id}'")
        registered = next((version for version in versions if version.source == candidate.model_uri), None)
        version = str((registered or mlflow.register_model(candidate.model_uri, self.name, tags=texts)).version)
        if registered:
            self.tag(version, texts)
        self.describe(version, card)
        return version

    def tag(self, version: str, tags: Mapping[str, object]) -> None:
        """Set tags of a version."""
        for key, value in tags.items():
            self.client.set_model_version_tag(self.name, version, key, str(value))

    def describe(self, version: str, card: str) -> None:
        """Set the description of a version, in Markdown."""
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
        """Put the previous champion back; returns its version, and that of the one that it replaces.

        The latter cannot become champion by a selection. Raises UserFacingError when there is none to put back.
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
        """Set the aliases to these versions, all or none."""
        if aliases != self.aliases():
            self._change(aliases)

    def _change(self, aliases: Aliases, taken_back: str = "") -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        change = json.dumps({"aliases": aliases, "taken_back": taken_back, "at": at})
        self.client.set_registered_model_tag(self.name, UNFINISHED, change)
        self._complete(aliases, taken_back, at)

    def repair(self) -> bool:
        """Complete the change that a killed process has begun; returns whether there was one."""
        registered = _or_none(lambda: self.client.get_registered_model(self.name))
        tags = registered.tags if registered else {}
        if UNFINISHED not in tags:
            return False
        self._complete(**json.loads(tags[UNFINISHED]))
        return True

    def _complete(self, aliases: Aliases, taken_back: str, at: str) -> None:
        """Carry out a saved change; each step may be repeated to no effect.

        The change is dropped if the version that was to become champion is gone by now.
        """
        champion = aliases[CHAMPION]
        if not champion or self._exists(champion):
            self._set_aliases(aliases, taken_back, at)
        self.client.delete_registered_model_tag(self.name, UNFINISHED)

    def _set_aliases(self, aliases: Aliases, taken_back: str, at: str) -> None:
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


def _or_none(query: Callable[[], Answer]) -> Answer | None:
    """The store's answer; None if there is nothing of that name. Any other error is raised."""
    try:
        return query()
    except MlflowException as error:
        if error.error_code not in MISSING:
            raise
        return None
