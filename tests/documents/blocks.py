"""The code in documents and docstrings.

A block of code stands between fences, with its language. Python is run by a test. Commands of ours are not run, as
most take minutes: a test checks that each would be accepted as it is typed. A comment before a block changes that:
`not run: WHY`, `run by PATH` for a block that has a test of its own, or `run` for commands that are quick.
"""

from __future__ import annotations

import ast
import contextlib
import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.documents.hooks import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = sorted((ROOT / "mnist_mlflow").rglob("*.py"))
BLOCK = re.compile(r"(?:^ *<!-- (.*) -->\n)?^( *)```(.*)\n((?:.*\n)*?)\2```$", re.M)
OURS = ("mlflow run ", "python -m mnist_mlflow ")


@dataclass(frozen=True)
class Block:
    """A block of code: where it stands, its language, its text, and the comment before it."""

    path: Path
    language: str
    text: str
    note: str

    @property
    def title(self) -> str:
        """A name for tests: the document and the first line."""
        return f"{self.path.relative_to(ROOT)}: {self.text.splitlines()[0]}"


def blocks_of(path: Path) -> list[Block]:
    """The blocks of a document, in order."""
    found = BLOCK.findall(path.read_text(encoding="utf-8"))
    return [Block(path, language, textwrap.dedent(text), note) for note, _, language, text in found]


def docstrings(path: Path) -> Iterator[str]:
    """The docstrings of a file: of the module, its classes and its functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield text


def python_of_docstrings() -> Iterator[tuple[str, str]]:
    """The modules whose docstrings hold Python, each with that; a sketch or a command is none."""
    for path in MODULES:
        for text in docstrings(path):
            for block in re.findall(r"(?:^    .*\n?)+", text, re.M):
                with contextlib.suppress(SyntaxError):
                    ast.parse(code := textwrap.dedent(block))
                    yield ".".join(path.relative_to(ROOT).with_suffix("").parts), code


def commands(text: str) -> Iterator[list[str]]:
    """The words of every command of ours in a text: on a line of its own, or between backticks."""
    for line in re.findall(r"[^`\n]+", re.sub(r" *\\\n *", " ", text)):
        command = line.strip().removeprefix("$ ")
        if command.startswith(OURS) and not re.search(r"\b(NAME|ALGORITHM)\b", command):
            yield shlex.split(command, comments=True)


def all_commands() -> list[list[str]]:
    """The different commands of ours in documents and docstrings, but for an algorithm that there is not."""
    texts = [BLOCK.sub(_without_example, path.read_text(encoding="utf-8")) for path in DOCUMENTS]
    texts += [text for path in MODULES for text in docstrings(path)]
    typed = {tuple(words) for text in texts for words in commands(text)}
    return [list(words) for words in sorted(typed)]


def _without_example(block: re.Match[str]) -> str:
    return "" if block[3] in ("python", "yaml") else block[0]
