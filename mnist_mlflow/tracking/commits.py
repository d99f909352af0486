"""Changes of the code: between two commits of this repository, and in a patch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mnist_mlflow.tracking.provenance import git

COMMIT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # a tag may hold anything, options of git too
PACKAGE = "mnist_mlflow"
PLAIN = "--patch --no-renames --no-color --no-ext-diff --no-textconv --src-prefix=a/ --dst-prefix=b/"


@dataclass(frozen=True)
class FileChange:
    """A file of a patch, with the lines that it adds and removes."""

    name: str
    added: int
    removed: int


def patch_between(root: Path, first: str, second: str) -> str | None:
    """The patch that makes the package of the second commit of the first; None where git does not have them."""
    if not (COMMIT_ID.fullmatch(first) and COMMIT_ID.fullmatch(second)):
        return None
    patch = git(root, "-c", "core.quotePath=false", "diff", *PLAIN.split(), first, second, "--", PACKAGE)
    return None if patch is None else patch.decode(errors="replace")


def has_commit(root: Path, commit: str) -> bool:
    """True if the repository has this commit."""
    return bool(COMMIT_ID.fullmatch(commit)) and git(root, "cat-file", "-e", f"{commit}^{{commit}}") is not None


def file_changes(patch: str) -> list[FileChange]:
    """The files of a patch in git's format, with the numbers of lines."""
    return [_count(part) for part in re.split(r"^(?=diff --git )", patch, flags=re.MULTILINE) if part[:5] == "diff "]


def _count(part: str) -> FileChange:
    """The change of one file: lines count behind its first hunk, before which `+++` names the file."""
    head, *hunks = re.split(r"^@@ .*$", part, flags=re.MULTILINE)
    name = head.partition("\n")[0].rpartition(" b/")[2]
    first_letters = [line[:1] for line in _lines(hunks)]
    return FileChange(name, first_letters.count("+"), first_letters.count("-"))


def _lines(hunks: list[str]) -> Iterator[str]:
    return (line for hunk in hunks for line in hunk.splitlines())
