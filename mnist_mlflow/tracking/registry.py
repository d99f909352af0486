"""The model registry: a registered model, whose champion everybody loads, and which remembers the one before."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS

from mnist_mlflow.errors import UserFacingError, without_passwords
from mnist_mlflow.protocol import Names
from mnist_mlflow.tracking.aliases import (
    CHALLENGER,
    CHAMPION,
    PREVIOUS,
    ROLLED_BACK,
    AliasChanges,
    Aliases,
    Change,
    State,
    as_aliases,
    or_none,
)
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.servers import reason
from mnist_mlflow.tracking.signatures import DECISION, SIGNATURES, read_signatures
from mnist_mlflow.tracking.versions import SELECTED_BY, candidate_of, score_tags

DEFAULT = Names()
Version: TypeAlias = ModelVersion  # as MLflow knows it


def alias_uri(alias: str, name: str) -> str:
    """The URI that MLflow loads the version of a registered model with an alias from."""
    return f"models:/{name}@{alias}"


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

    def create(self) -> None:
        """Make the registered model, unless it is there."""
        self._changes.create()

    def repair(self, now: State | None = None) -> Change | None:
        """Complete the change that a killed process has begun, and return it; None where nothing was completed.

        `now` is the state, if it was just read.
        """
        return self._changes.repair(now)

    def uri(self, alias: str) -> str:
        """The URI that MLflow loads the version with an alias from."""
        return alias_uri(alias, self.name)

    def version(self, alias: str) -> ModelVersion | None:
        """The version that has an alias; None if there is none, or it was deleted."""
        return or_none(lambda: self.client.get_model_version_by_alias(self.name, alias))

    def aliases(self) -> Aliases:
        """The versions that have the aliases now."""
        return as_aliases(self.state().aliases)

    def candidate(self, version: ModelVersion) -> Candidate:
        """The candidate that a version was registered from; if its run is gone, by what version and model tell."""
        return candidate_of(self.client, version)

    def artifacts(self, run_id: str) -> str:
        """The address of a run's artifacts; raises UserFacingError if the run is gone."""
        try:
            root: str = self.client.get_run(run_id).info.artifact_uri
        except MlflowException as error:
            raise UserFacingError(f"The run {run_id} is gone ({reason(error)})") from error
        return root

    def champion(self) -> Candidate | None:
        """The candidate that the champion was registered from, if there is one."""
        version = self.version(CHAMPION)
        return self.candidate(version) if version else None

    def versions(self) -> Sequence[ModelVersion]:
        """The versions, in one reading."""
        return list(self.client.search_model_versions(f"name = '{self.name}'"))

    def taken_back(self) -> dict[str, str]:
        """The runs whose models a rollback has taken back, each with what lets it take part again."""
        return {
            version.run_id: f"it was champion and was taken back on {version.tags[ROLLED_BACK]}; to let it take part "
            f"again, delete the tag {ROLLED_BACK} of version {version.version}"
            for version in self.versions()
            if version.tags.get(ROLLED_BACK)
        }

    def register(self, candidate: Candidate, card: str, tags: Mapping[str, object]) -> str:
        """Register a candidate's model with a card and tags; returns its version.

        A model that is registered already stays the version that it is; its card and tags are replaced.
        """
        texts = {key: without_passwords(str(value)) for key, value in tags.items()}
        versions = self.client.search_model_versions(f"name = '{self.name}' and run_id = '{candidate.run_id}'")
        registered = next((version for version in versions if version.source == candidate.model_uri), None)
        if registered is None:
            return self._create_version(candidate, card, texts)
        version = str(registered.version)
        self.tag(version, {key: text for key, text in texts.items() if registered.tags.get(key) != text})
        self.describe(version, card)
        return version

    def _create_version(self, candidate: Candidate, card: str, tags: Mapping[str, str]) -> str:
        """Make a version of a model, which may be somebody else's; returns its number."""
        model_id, run_id = candidate.model_id, candidate.run_id
        about = {"run_id": run_id, "tags": dict(tags), "description": card, "model_id": model_id}
        made = self.client.create_model_version(self.name, candidate.model_uri, await_creation_for=0, **about)
        number = str(made.version)
        with contextlib.suppress(MlflowException):  # of a model that is somebody else's, to look at alone
            self._link_back(model_id, number)
        return number

    def _link_back(self, model_id: str, version: str) -> None:
        """Name a version in the tag of its model by which the MLflow UI finds it."""
        others = json.loads(self.client.get_logged_model(model_id).tags.get(MLFLOW_MODEL_VERSIONS, "[]"))
        versions = json.dumps([*others, {"name": self.name, "version": version}])
        self.client.set_logged_model_tags(model_id, {MLFLOW_MODEL_VERSIONS: versions})

    def selected_by(self, version: str) -> str:
        """The run of the selection that has registered a version last; empty if the version is gone."""
        registered = or_none(lambda: self.client.get_model_version(self.name, version))
        return registered.tags.get(SELECTED_BY, "") if registered else ""

    def version_decided_in(self, run_id: str) -> ModelVersion | None:
        """The version that was registered as a run had decided, if there is one."""
        decided_in = f"{DECISION}_run_id"
        signed_so = (one for one in self.versions() if read_signatures(one.tags).get(decided_in) == run_id)
        return next(signed_so, None)

    def tag(self, version: str, tags: Mapping[str, object]) -> None:
        """Set tags of a version."""
        for key, value in tags.items():
            self._changes.registry.set_model_version_tag(self.name, version, key, without_passwords(str(value)))

    def sign(self, version: str, facts: Mapping[str, str]) -> None:
        """Add facts to those about who signed a version."""
        signed = read_signatures(self.client.get_model_version(self.name, version).tags)
        self.tag(version, {SIGNATURES: json.dumps({**signed, **facts})})

    def tag_scores(self, version: str, scores: Mapping[str, float]) -> None:
        """Set the tags that tell the scores of a version on the test images."""
        self.tag(version, score_tags(scores))

    def describe(self, version: str, card: str) -> None:
        """Set the description of a version, in Markdown."""
        self._changes.registry.update_model_version(self.name, version, card)

    def make_champion(self, version: str) -> None:
        """Make a version the champion, and the champion before it `previous`."""
        state = self.state()
        now = as_aliases(state.aliases)
        if now[CHAMPION] == version:
            self.move({**now, CHALLENGER: None if now[CHALLENGER] == version else now[CHALLENGER]}, state)
        else:
            others = {PREVIOUS: now[CHAMPION] or now[PREVIOUS], CHALLENGER: now[CHALLENGER]}
            self.move({CHAMPION: version, **{key: None if at == version else at for key, at in others.items()}}, state)

    def make_challenger(self, version: str) -> None:
        """Make a version the challenger."""
        state = self.state()
        self.move({**as_aliases(state.aliases), CHALLENGER: version}, state)

    def previous(self) -> str:
        """The version that a rollback puts back; raises UserFacingError when there is none."""
        if self.aliases()[PREVIOUS] and (version := self.version(PREVIOUS)):
            return str(version.version)
        raise UserFacingError(
            f"There is no previous champion of {self.name} to go back to. "
            f"A model becomes champion by: {self.names.command('select')}"
        )

    def roll_back(self) -> tuple[str, str]:
        """Put the previous champion back; returns its version, and that of the one that it replaces (empty for none).

        The latter cannot become champion by a selection. Raises UserFacingError when there is none to put back.
        """
        previous, state, version = self.previous(), self.state(), self.version(CHAMPION)
        now, champion = as_aliases(state.aliases), str(version.version) if version else ""
        challenger = None if now[CHALLENGER] == previous else now[CHALLENGER]
        aliases = {CHAMPION: previous, PREVIOUS: champion or None, CHALLENGER: challenger}
        self._changes.change(aliases, state, taken_back=champion)
        return previous, champion

    def move(self, aliases: Aliases, state: State | None = None) -> None:
        """Set the aliases to these versions, all or none; `state` is what was just read, if it was."""
        state = state or self.state()
        if aliases != as_aliases(state.aliases):
            self._changes.change(aliases, state)
