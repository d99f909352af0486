"""Files, MLproject, command line and conda.yaml say the same; tests/documents asks the documents."""

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from mnist_mlflow.algorithms.base import algorithm_names
from mnist_mlflow.cli import commands as cli
from mnist_mlflow.cli import console
from mnist_mlflow.jobs import get_job, job_docstrings
from mnist_mlflow.parameters import parameters_of
from mnist_mlflow.parameters import typed as typed_value
from mnist_mlflow.protocol import DataOptions
from tests.conftest import ROOT

MLPROJECT = yaml.safe_load((ROOT / "MLproject").read_text())
ENTRY_POINTS: dict[str, dict[str, Any]] = MLPROJECT["entry_points"]
NOT_IN_MLPROJECT = {"recover", "doctor", "join", "serve", "export", "ui"}  # they make no run
DECLARED = {name for stanza in ENTRY_POINTS.values() for name in stanza["parameters"]}


def test_every_algorithm_has_a_stanza_and_a_command() -> None:
    others = {"main", "ensemble", "select", "report", "evaluate", "reproduce", "compare", "read"}
    assert set(job_docstrings()) - NOT_IN_MLPROJECT == others
    assert set(cli.commands.commands) == {*job_docstrings(), *algorithm_names()}
    assert set(ENTRY_POINTS) == set(cli.commands.commands) - NOT_IN_MLPROJECT


@pytest.mark.parametrize("name", job_docstrings())
def test_every_job_can_be_run_and_shown(name: str) -> None:
    assert get_job(name).__doc__
    assert callable(get_job(name).run)
    assert callable(getattr(console, f"show_{name}"))


def check_command(name: str, stanza: dict[str, Any]) -> None:
    """The command of an entry point passes on all that the stanza declares."""
    words = shlex.split(stanza["command"])
    assert words[:4] == ["python", "-m", "mnist_mlflow", name]
    passed = dict(zip(words[4::2], words[5::2], strict=True))
    assert passed == {f"--{parameter}": f"{{{parameter}}}" for parameter in stanza["parameters"]}


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_an_entry_point_passes_on_all_that_it_declares(name: str) -> None:
    check_command(name, ENTRY_POINTS[name])


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_an_entry_point_declares_what_its_command_takes_with_the_same_defaults(name: str) -> None:
    """All declare a parameter that one declares, if they take it; the rest is passed on like hyperparameters."""
    kind = DataOptions if name in algorithm_names() else get_job(name).Params
    defaults = {parameter.name: str(typed_value(parameter.default)) for parameter in parameters_of(kind)}
    declared = {name: str(entry["default"]) for name, entry in ENTRY_POINTS[name]["parameters"].items()}
    command = cli.commands.commands[name]
    options = {option.name for option in command.get_params(click.Context(command))}
    assert declared == {name: default for name, default in defaults.items() if name in DECLARED}
    assert defaults.keys() <= options


def test_the_questions_of_contributing_are_answered_where_it_says() -> None:
    rows = re.findall(r"^\| [^|]+\? \| `([\w/]+\.py)`: `(\w+)`", (ROOT / "CONTRIBUTING.md").read_text(), re.M)
    assert len(rows) == 5
    for path, name in rows:
        tree = ast.parse((PACKAGE / path).read_text())
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}, path


# Each room may import what stands below it, and its own modules.
ORDER = (
    ("cli",),
    ("jobs",),
    ("selection",),
    ("reports",),
    ("search", "tracking"),
    ("algorithms",),
    ("data",),
    ("evaluation",),
    ("model",),
    ("protocol",),
    ("parameters",),
    ("types", "errors", "interrupts", "processes", "folders"),
)
FLOOR = {room: floor for floor, rooms in enumerate(ORDER) for room in rooms}
PACKAGE = ROOT / "mnist_mlflow"
MODULES = [path for path in PACKAGE.rglob("*.py") if path.name != "__main__.py"]


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """The full names of all that a file imports, wherever in the file it does."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downwards_only(path: Path) -> None:
    room = room_of(path)
    ours = {name.split(".")[1] for name in imported(path) if name.startswith("mnist_mlflow.")}
    if room == "__init__":
        assert ours == {"jobs"}  # for types alone: tests/test_package.py imports it
    else:
        assert not {other for other in ours if FLOOR[other] <= FLOOR[room] and other != room}


def test_every_file_of_text_is_read_and_written_as_utf_8() -> None:
    for path in [*MODULES, *(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "deploy").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
                binary = any(isinstance(mode, ast.Constant) and "b" in str(mode.value) for mode in node.args)
                named = any(keyword.arg in ("encoding", None) for keyword in node.keywords)
                is_picture = ast.unparse(node.func) == "Image.open"
                assert (
                    named or is_picture or (name not in ("read_text", "write_text") and (name != "open" or binary))
                ), f"{path}:{node.lineno}"


def test_only_tracking_imports_mlflow_and_only_search_imports_optuna_and_ray() -> None:
    for path in MODULES:
        libraries = {name.split(".")[0] for name in imported(path)}
        assert room_of(path) == "tracking" or "mlflow" not in libraries, path
        assert room_of(path) == "search" or not libraries & {"optuna", "ray"}, path
