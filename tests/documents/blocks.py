"""The code in documents and docstrings.

A block of code stands between fences, with its language. A comment before it says what a test does with it:

    none, python      it is run, with the other such blocks of its document from top to bottom
    none, bash        it is parsed, and nothing is run: most commands take minutes
    none, others      nothing: they are settings, and what was printed
    `run`             its commands of ours are run too: they are quick
    `run by PATH`     that test runs it
    `not run: WHY`    nothing, but for the commands of ours in it, which are parsed

To parse a command of ours, in a block or between backticks, is to build its command line: each option has to be there,
and each value one that it accepts. Whether a run, a file or a study of that name is there is not asked. Of other lines
in bash the target of make, the tests or the module has to be there; `export` and its like are taken as they are.
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
EXAMPLE = "centroid"  # an algorithm that docs/new-algorithm.md adds


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
    """The different commands of ours in documents and docstrings."""
    texts = [path.read_text(encoding="utf-8") for path in DOCUMENTS]
    texts += [text for path in MODULES for text in docstrings(path)]
    typed = {tuple(words) for text in texts for words in commands(text)}
    return [list(words) for words in sorted(typed)]
