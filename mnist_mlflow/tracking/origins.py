"""Origins of runs: what a run has recorded of its code, data, parameters, libraries and machine; and differences."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlflow.entities import Run

from mnist_mlflow.data import DIGESTS
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.tracking.results import read_file

UNKNOWN = "unknown"
ABSENT = "-"  # the value of a fact that an origin lacks
GONE = "gone"  # the same where the store has lost all facts of the kind
COMMIT = "mlflow.source.git.commit"
PATCH = "git/uncommitted.diff"
KINDS = ("parameters", "data", "code", "libraries", "machine")
DATA_TAGS = ("dataset", *DIGESTS)


@dataclass(frozen=True)
class Origin:
    """All that makes a run what it is: facts by kind and name, as text. A kind that the store has lost has no names."""

    run: Run
    facts: Mapping[str, Mapping[str, str]]
    patch: bytes = b""  # the status of the work tree and its changes since the commit

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return str(self.run.info.run_id)

    @property
    def tags(self) -> dict[str, str]:
        """The tags of the run."""
        return dict(self.run.data.tags)

    @property
    def commit(self) -> str:
        """The commit that was checked out; empty where there was none."""
        return self.tags.get(COMMIT, "")


@dataclass(frozen=True)
class Difference:
    """A fact that runs do not share: its kind (one of KINDS), its name, and its value in each run."""

    kind: str
    name: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}: {' -> '.join(self.values)}"


def read_origin(run: Run) -> Origin:
    """The origin of a run, from its params, tags and artifacts."""
    tags, artifacts = run.data.tags, run.info.artifact_uri
    patch = _read(artifacts, PATCH) if tags.get("git_dirty") == "True" else b""
    facts = {
        "parameters": _parameters(run),
        "data": {name: tags[name] for name in DATA_TAGS if name in tags},
        "code": _code(tags, patch),
        "libraries": dict(_packages(_read(artifacts, "environment/requirements.txt").decode(errors="replace"))),
        "machine": _machine(_read(artifacts, "environment/machine.json")),
    }
    return Origin(run, facts, patch)


def differences(origins: Sequence[Origin]) -> list[Difference]:
    """The facts that origins do not share, by kind; a fact that one of them lacks is `-` there.

    Of a kind that an origin has lost nothing can be told there: only the others are compared.
    """
    return [
        Difference(kind, name, values)
        for kind in KINDS
        for name in dict.fromkeys(name for origin in origins for name in origin.facts[kind])
        if len({*(values := tuple(_value(origin.facts[kind], name) for origin in origins))} - {GONE}) > 1
    ]


def lost_kinds(origins: Sequence[Origin]) -> list[str]:
    """The kinds of facts of which an origin has nothing any more."""
    return [kind for kind in KINDS if not all(origin.facts[kind] for origin in origins)]


def _value(facts: Mapping[str, str], name: str) -> str:
    return facts.get(name, ABSENT) if facts else GONE


def _parameters(run: Run) -> dict[str, str]:
    """The params; `data` as the data set that was found, since `auto` says little."""
    params = dict(run.data.params)
    return params | ({"data": run.data.tags["dataset"]} if "data" in params and "dataset" in run.data.tags else {})


def _code(tags: Mapping[str, str], patch: bytes) -> dict[str, str]:
    changes = {"True": f"changed ({hashlib.sha256(patch).hexdigest()[:8]})", "False": "clean"}
    return {
        "commit": tags.get(COMMIT, UNKNOWN),
        "work tree": changes.get(tags.get("git_dirty", ""), UNKNOWN),
        "package": tags.get("code_digest", UNKNOWN),
    }


def _packages(requirements: str) -> Iterator[tuple[str, str]]:
    for line in requirements.splitlines():
        name, is_pinned, version = line.partition("==")
        if is_pinned:  # else the file is damaged
            yield name.lower().replace("_", "-"), version


def _machine(content: bytes) -> dict[str, str]:
    try:
        machine = json.loads(content)
        return {str(name): str(value) for name, value in machine.items()}
    except (ValueError, AttributeError):
        return {}


def _read(artifacts: str, path: str) -> bytes:
    """A file of a run; empty if it is gone."""
    try:
        return read_file(artifacts, path)
    except UserFacingError:
        return b""
