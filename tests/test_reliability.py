"""Each command in docs/RELIABILITY.md exists, and selects something."""

import ast
import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import ROOT

COMMANDS = re.findall(r"`(python -m pytest [^`]+)`", (ROOT / "docs" / "RELIABILITY.md").read_text())
KINDS = re.findall(r"^\| (\d+) \|", (ROOT / "docs" / "RELIABILITY.md").read_text(), re.M)
# They come from others' branches: delete each name when its file is there.
AWAITED = {"test_vanished.py", "test_selections_at_once.py", "test_without_tensorflow.py", "test_foreign_files.py"} | {
    "test_foreign.py"
}


def names(path: Path) -> list[str]:
    """The tests of a file, or of the files of a folder."""
    files = sorted(path.glob("test_*.py")) if path.is_dir() else [path]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    return [node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


def test_every_kind_has_its_row() -> None:
    assert [str(number) for number in range(1, 22)] == KINDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_selects_tests(command: str) -> None:
    words = [word for word in shlex.split(command)[3:] if Path(word).name not in AWAITED]
    paths = [ROOT / word for word in words if word.startswith("tests/")]
    assert all(path.exists() for path in paths)
    found = [name for path in paths for name in names(path)]
    if "-k" in words:
        for part in words[words.index("-k") + 1].split(" or "):
            assert [name for name in found if part in name], part
    else:
        assert found or not paths


def test_nothing_is_awaited_that_is_there() -> None:
    there = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    assert not AWAITED & there
