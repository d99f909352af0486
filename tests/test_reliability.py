"""Each command in docs/reliability.md exists, and selects something."""

import ast
import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import ROOT

COMMANDS = re.findall(r"`(python -m pytest [^`]+)`", (ROOT / "docs" / "reliability.md").read_text())
KINDS = re.findall(r"^\| (\d+) \|", (ROOT / "docs" / "reliability.md").read_text(), re.M)


def names(path: Path) -> list[str]:
    """The tests of a file, or of the files of a folder."""
    files = sorted(path.glob("test_*.py")) if path.is_dir() else [path]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    return [node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


def test_every_kind_has_its_row() -> None:
    assert [str(number) for number in range(1, 22)] == KINDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_selects_tests(command: str) -> None:
    words = shlex.split(command)[3:]
    paths = [ROOT / word for word in words if word.startswith("tests/")]
    assert all(path.exists() for path in paths)
    found = [name for path in paths for name in names(path)]
    if "-k" in words:
        for part in words[words.index("-k") + 1].split(" or "):
            assert [name for name in found if part in name], part
    else:
        assert found or not paths
