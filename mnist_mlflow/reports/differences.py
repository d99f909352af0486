"""Differences between the sides of a comparison: what made them, and the changes of the code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mnist_mlflow.reports.figures import with_short_digests
from mnist_mlflow.reports.sections import Section
from mnist_mlflow.tracking.commits import PACKAGE, file_changes, has_commit, patch_between
from mnist_mlflow.tracking.environments import required_libraries
from mnist_mlflow.tracking.origins import KINDS, Difference
from mnist_mlflow.tracking.sides import Side, side_differences

LONGEST_PATCH = 100_000  # characters that a page shows


@dataclass(frozen=True)
class Patch:
    """A change of the code: what it leads from and to, and its text in git's format."""

    title: str
    text: str

    @property
    def shown(self) -> str:
        """The text, or the beginning of a long one."""
        rest = len(self.text) - LONGEST_PATCH
        return self.text if rest <= 0 else f"{self.text[:LONGEST_PATCH]}\n... and {rest:,} characters more"


def difference_sections(sides: Sequence[Side]) -> tuple[Section, Section]:
    """The facts that the sides do not share; apart from them the libraries that the project does not ask for."""
    required, head = required_libraries(), ("fact", "kind", *(side.label for side in sides))
    every = list(side_differences(sides))
    others = [one for one in every if one.kind == "libraries" and required and one.name not in required]
    main = [one for one in every if one not in others]
    same = [kind for kind in KINDS if kind not in {one.kind for one in every}]
    texts = [f"Nothing differs in: {', '.join(same)}."] if same else []
    if others:
        texts.append(f"Libraries in other versions that the project does not ask for: {len(others)}.")
    return (
        Section("What differs", " ".join(texts), head, [_row(one) for one in main]),
        Section("Other libraries that differ", "", head, [_row(one) for one in others]),
    )


def _row(difference: Difference) -> list[str]:
    return [difference.name, difference.kind, *map(with_short_digests, difference.values)]


def code_changes(sides: Sequence[Side], root: Path) -> tuple[Section, list[Patch]]:
    """The changes of the package from the first side's commit to those of the others, and what was uncommitted.

    `root` is the folder of the repository where the commits are looked for. There are none where all code is the same.
    """
    origins = [origin for side in sides for origin in side.origins]
    if len({(origin.commit, origin.patch) for origin in origins}) == 1:
        return Section("Changes of the code"), []
    first, *others = dict.fromkeys(origin.commit for origin in origins if origin.commit) or [""]
    missing = [commit for commit in (first, *others) if not has_commit(root, commit)]
    committed = [] if missing else [_committed(root, first, commit) for commit in others]
    patches = [patch for patch in [*committed, *_uncommitted(sides)] if patch.text]
    rows = [
        [patch.title, change.name, f"+{change.added}", f"-{change.removed}"]
        for patch in patches
        for change in file_changes(patch.text)
    ]
    elsewhere = f"Not in this repository: {', '.join(missing)}. Type: git fetch --all" if missing and others else ""
    commands = "\n".join(f"git diff {first[:10]} {commit[:10]} -- {PACKAGE}" for commit in others if not missing)
    return Section("Changes of the code", elsewhere, ("change", "file", "added", "removed"), rows, commands), patches


def _committed(root: Path, first: str, second: str) -> Patch:
    return Patch(f"From {first[:10]} to {second[:10]}", patch_between(root, first, second) or "")


def _uncommitted(sides: Sequence[Side]) -> list[Patch]:
    """The patches of the work trees, each once, with all sides that have it."""
    labels: dict[str, list[str]] = {}
    for side in sides:
        for text in dict.fromkeys(origin.patch.decode(errors="replace") for origin in side.origins if origin.patch):
            labels.setdefault(text, []).append(side.label)
    return [Patch(f"Uncommitted in {', '.join(sharing)}", text) for text, sharing in labels.items()]
