"""Every block of code in a document runs in a test, is checked, or says why it is not."""

import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import cv2
import pytest

from mnist_mlflow.cli import commands as cli
from mnist_mlflow.data import Dataset
from tests import pages
from tests.conftest import ROOT
from tests.documents.blocks import (
    DOCUMENTS,
    EXAMPLE,
    OURS,
    Block,
    all_commands,
    blocks_of,
    commands,
    python_of_docstrings,
)
from tests.exported import abstention, nearest_mean
from tests.readers import save_logged
from tests.simulated import Client

BLOCKS = [block for path in DOCUMENTS for block in blocks_of(path)]
TARGETS = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.M))
OUTPUT = {"text", "yaml", "ini"}  # settings, and what was printed
BUILT_IN = ("export ", "source .venv/", "set ", "cd ")
STORE = "sqlite:////path/to/mnist_mlflow/mlflow.db"


def having(language: str, note: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language and re.fullmatch(note, block.note)]


def is_checked(line: str) -> bool:
    """True for a command of which a test knows that it would be accepted."""
    words = shlex.split(line, comments=True)
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    match words:
        case [] | ["mlflow", "ui", *_]:
            return True
        case ["make", target]:
            return target in TARGETS
        case ["python", "-m", "pytest", *arguments]:
            return all((ROOT / path).exists() for path in arguments if "/" in path)
        case ["python", "-m", module, *_]:
            return find_spec(module) is not None
    return line.startswith((*OURS, *BUILT_IN))


def test_every_block_of_code_has_a_language() -> None:
    assert {block.language for block in BLOCKS} <= {"bash", "python", "pycon", *OUTPUT}
    for path in DOCUMENTS:  # an indented block would have none
        outside = re.sub(r"^ *```.*\n(?:.*\n)*?^ *```$", "", path.read_text(), flags=re.M)
        assert not re.search(r"\n\n    \S", outside), path


@pytest.mark.parametrize("block", having("bash", "|run"), ids=lambda block: block.title)
def test_every_line_of_a_shell_is_checked_or_the_block_says_why_not(block: Block) -> None:
    lines = re.sub(r"\\\n", "", block.text).splitlines()
    assert [line for line in lines if not is_checked(line)] == []


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.title)
def test_a_reason_is_given_and_a_test_is_there(block: Block) -> None:
    assert re.fullmatch("|run|not run: .{15,}|run by .+|copied .*", block.note)
    if block.note.startswith("run by"):
        test = (ROOT / block.note.removeprefix("run by ")).read_text(encoding="utf-8")
        assert block.path.name in test or "tests.deploy.documents" in test or block.language == "pycon"


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_every_command_would_be_accepted(words: list[str]) -> None:
    if words[0] == "mlflow":
        assert "--env-manager" in words or not words[3:]  # without it MLflow wants conda; a mention is no command
    name, *arguments = as_typed(words)
    if "--help" not in arguments and name != EXAMPLE:
        cli.commands.commands[name].make_context(name, arguments)


def as_typed(words: list[str]) -> list[str]:
    """A command with its options as they follow `python -m mnist_mlflow`."""
    if words[0] == "python":
        return words[3:]
    settings = [following.split("=", 1) for word, following in pairwise(words) if word == "-P"]
    options = [part for name, value in settings for part in (f"--{name}", value)]
    return [dict(pairwise(words)).get("-e", "main"), *options]


@pytest.fixture
def champion(store: Client, digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store with a champion that took no training, and a photo in the folder; the address of the store."""
    model = replace(nearest_mean(digits, "hog"), abstention=abstention(digits, 0.2))
    store.create_registered_model("mnist-digits")
    store.create_model_version("mnist-digits", str(save_logged(model, tmp_path / "model")))
    store.set_registered_model_alias("mnist-digits", "champion", "1")
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("photo.jpg", pages.page(["314"]))
    return f"sqlite:///{tmp_path}/mlflow.db"


@pytest.mark.parametrize("path", sorted({block.path for block in having("python", "")}), ids=lambda path: path.name)
def test_the_python_of_a_document_runs_from_top_to_bottom(champion: str, digits: Dataset, path: Path) -> None:
    names = {"images": digits.validation.images}
    for block in having("python", ""):
        if block.path == path:
            exec(compile(block.text.replace(STORE, champion), block.title, "exec"), names)
    assert len(names["answers"]) == len(digits.validation)


@pytest.mark.parametrize(("module", "code"), list(python_of_docstrings()))
def test_the_python_of_a_docstring_runs(module: str, code: str) -> None:
    if not code.startswith("import mnist_mlflow"):  # that trains: tests/jobs/api does the same with few digits
        exec(compile(code, module, "exec"), dict(vars(import_module(module))))


@pytest.mark.parametrize("block", having("bash", "run"), ids=lambda block: block.title)
def test_commands_that_are_quick_run(champion: str, block: Block, command: Callable[..., tuple[int, str, str]]) -> None:
    for words in commands(block.text):
        status, output, errors = command(*as_typed(words))
        assert status == 0, errors
        assert output
