"""The model registry: a registered model, whose champion everybody loads, and which remembers the one before."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import replace

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from mnist_mlflow.errors import UserFacingError, one_line, without_passwords
from mnist_mlflow.protocol import Names
from mnist_mlflow.tracking.aliases import (
    ALIASES,
    CHALLENGER,
    CHAMPION,
    PREVIOUS,
    ROLLED_BACK,
    AliasChanges,
    Aliases,
    Change,
    State,
    or_none,
)
from mnist_mlflow.tracking.candidates import Candidate, as_candidate
from mnist_mlflow.tracking.signatures import DECISION

DEFAULT = Names()
LOGGED_MODEL = "models:/m-"  # how the source of a version begins
SELECTED_BY = "selection_run_id"  # the tag of a version by which those of this project are told from others
METRIC = re.compile("val_|test_accuracy|test_f1|model_mb$")  # among the tags of a version


def alias_uri(alias: str, name: str) -> str:
    """The URI that MLflow loads the version of a registered model with an alias from."""
    return f"models:/{name}@{alias}"


def numbers(tags: Mapping[str, str], names: re.Pattern[str]) -> dict[str, float]:
    """The tags whose names begin so, as numbers; without those that are none, since anybody may set them."""
    figures: dict[str, float] = {}
    for name, text in tags.items():
        with contextlib.suppress(ValueError):
            figures |= {name: float(text)} if names.match(name) else {}
    return figures


class Registry:
    """The registered model; one process at a time may change it (`alone`)."""

    def __init__(self, client: mlflow.MlflowClient, names: Names = DEFAULT) -> None:
        self.client, self.names, self.name = client, names, names.registered_model
        self._changes = AliasChanges(client, names)

    def state(self) -> State:
        """The state now, which a change may be decided on."""
        return self._changes.state()

    def alone(self, since: State | None = None) -> contextlib.AbstractContextManager[None]:
        """Let this process alone, of all machines, change the registered model, and sign the change.

        First completes what a killed process has begun. Raises UserFacingError if the state is not `since` any more.
        """
        return self._changes.alone(since)

    def repair(self) -> Change | None:
        """Complete the change that a killed process has begun, and return it; None where nothing was completed."""
        return self._changes.repair()

    def uri(self, alias: str) -> str:
        """The URI that MLflow loads the version with an alias from."""
        return alias_uri(alias, self.name)

    def version(self, alias: str) -> ModelVersion | None:
        """The version that has an alias; None if there is none, or it was deleted."""
        return or_none(lambda: self.client.get_model_version_by_alias(self.name, alias))

    def aliases(self) -> Aliases:
        """The versions that have the aliases now."""
        versions = {alias: self.version(alias) for alias in ALIASES}
        return {alias: str(version.version) if version else None for alias, version in versions.items()}

    def candidate(self, version: ModelVersion) -> Candidate:
        """The candidate that a version was registered from; if its run is gone, by what version and model tell."""
        model_id, tags = f"{self.name}/{version.version}", version.tags
        candidate = or_none(lambda: as_candidate(self.client.get_run(version.run_id), model_id))
        if candidate is not None:
            return replace(candidate, tags={**tags, **candidate.tags})
        params, model_tags = self._told_by_model(version)
        return Candidate(
            run_id=version.run_id or "",
            model_id=model_id,
            algorithm=tags.get("algorithm", ""),
            metrics=numbers(tags, METRIC),
            params=params,
            tags={**model_tags, **tags},
            end_time=version.creation_timestamp,
        )

    def _told_by_model(self, version: ModelVersion) -> tuple[dict[str, str], dict[str, str]]:
        """The params and the tags of the logged model behind a version; none if it is gone too."""
        if not version.source.startswith(LOGGED_MODEL):
            return {}, {}
        model = or_none(lambda: self.client.get_logged_model(version.source.removeprefix("models:/")))
        return (model.params, model.tags) if model else ({}, {})

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
        """The runs whose models a rollback has taken back, each with what lets it take part again."""
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
        texts = {key: without_passwords(str(value)) for key, value in tags.items()}
        versions = self.client.search_model_versions(f"name = '{self.name}' and run_id = '{candidate.run_id}'")
        registered = next((version for version in versions if version.source == candidate.model_uri), None)
        version = str((registered or mlflow.register_model(candidate.model_uri, self.name, tags=texts)).version)
        if registered:
            self.tag(version, texts)
        self.describe(version, card)
        return version

    def selected_by(self, version: str) -> str:
        """The run of the selection that has registered a version last; empty if the version is gone."""
        registered = or_none(lambda: self.client.get_model_version(self.name, version))
        return registered.tags.get(SELECTED_BY, "") if registered else ""

    def version_decided_in(self, run_id: str) -> ModelVersion | None:
        """The version that was registered as a run had decided, if there is one."""
        versions = self.client.search_model_versions(f"name = '{self.name}'")
        return next((version for version in versions if version.tags.get(f"{DECISION}_run_id") == run_id), None)

    def tag(self, version: str, tags: Mapping[str, object]) -> None:
        """Set tags of a version."""
        for key, value in tags.items():
            self.client.set_model_version_tag(self.name, version, key, without_passwords(str(value)))

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

    def previous(self) -> str:
        """The version that a rollback puts back; raises UserFacingError when there is none."""
        if version := self.version(PREVIOUS):
            return str(version.version)
        raise UserFacingError(
            f"There is no previous champion of {self.name} to go back to. "
            f"A model becomes champion by: {self.names.command('select')}"
        )

    def roll_back(self) -> tuple[str, str]:
        """Put the previous champion back; returns its version, and that of the one that it replaces (empty for none).

        The latter cannot become champion by a selection. Raises UserFacingError when there is none to put back.
        """
        previous, now = self.previous(), self.aliases()
        champion = now[CHAMPION] or ""
        self._changes.change({**now, CHAMPION: previous, PREVIOUS: champion or None}, taken_back=champion)
        return previous, champion

    def move(self, aliases: Aliases) -> None:
        """Set the aliases to these versions, all or none."""
        if aliases != self.aliases():
            self._changes.change(aliases)
