"""Measures of the house: `python -m tests.house [PACKAGE]` prints sizes, helpers and types as a table.

PACKAGE is the folder of another checkout's package, to compare with.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tabulate import tabulate

PACKAGE = Path(__file__).resolve().parents[1] / "mnist_mlflow"
# The files of the two rooms, with those of jobs that belong to them; before there were rooms, at 1553117, and now.
ROOMS = {
    "search": {"search", "searching.py", "trial_runs.py", "jobs/search.py", "jobs/trial_runs.py"},
    "selection": {
        *("selection", "jobs/select.py", "selection.py", "registering.py", "decision.py", "gate.py", "deciding.py"),
        *("ranking.py", "timing.py", "scope.py", "scoring.py", "leaderboard.py"),
    },
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def measure(package: Path) -> dict[str, str]:
    """The measures of a package by name, each as text."""
    trees = {path: ast.parse(path.read_text()) for path in sorted(package.rglob("*.py"))}
    lines = {path: len(path.read_text().splitlines()) for path in trees}
    functions = [
        (body_lines(node), f"{path.relative_to(package)}:{node.name}")
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, Function)
    ]
    sizes, longest = [size for size, _ in functions], max(lines, key=lambda path: lines[path])
    return {
        "files at the top": str(sum(path.parent == package and not path.stem.startswith("__") for path in trees)),
        "files": str(len(trees)),
        "lines": f"{sum(lines.values()):,}",
        "functions": str(len(sizes)),
        "body lines of a function: median, 90th percentile": "{:.0f}, {:.0f}".format(*np.percentile(sizes, (50, 90))),
        "functions of at most two lines": str(sum(size <= 2 for size in sizes)),
        "private helpers, used once, of at most six lines": "{}, {}, {}".format(*count_helpers(list(trees.values()))),
        **{f"types in {room}": str(count_types(package, room, trees)) for room in ROOMS},
        "deepest inheritance": str(deepest_inheritance(list(trees.values()))),
        "longest file": f"{lines[longest]} ({longest.relative_to(package)})",
        "longest function": "{} ({})".format(*max(functions)),
    }


def body_lines(function: Function) -> int:
    """The lines of a function without signature and docstring; 0 if there are no others."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def count_helpers(trees: list[ast.Module]) -> tuple[int, int, int]:
    """The private functions and methods, those that their file names once elsewhere, and those that are short too."""
    private, once, short = 0, 0, 0
    for tree in trees:
        uses = Counter(_names(tree))
        helpers = [node for node in _definitions(tree) if node.name.startswith("_") and node.name[1] != "_"]
        used_once = [node for node in helpers if uses[node.name] == 1]
        private, once = private + len(helpers), once + len(used_once)
        short += sum(body_lines(node) <= 6 for node in used_once)
    return private, once, short


def _definitions(tree: ast.Module) -> Iterator[Function]:
    """The functions of a module and the methods of its classes."""
    for node in tree.body:
        for inner in [node, *(node.body if isinstance(node, ast.ClassDef) else [])]:
            if isinstance(inner, Function):
                yield inner


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            yield node.id if isinstance(node, ast.Name) else node.attr


def count_types(package: Path, room: str, trees: dict[Path, ast.Module]) -> int:
    """The number of classes in a room."""
    names = {path: path.relative_to(package) for path in trees}
    inside = [trees[path] for path, name in names.items() if {name.parts[0], name.as_posix()} & ROOMS[room]]
    return sum(isinstance(node, ast.ClassDef) for tree in inside for node in ast.walk(tree))


def deepest_inheritance(trees: list[ast.Module]) -> int:
    """The length of the longest chain of classes that the package defines, each the base of the next."""
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    bases = {node.name: {name for base in node.bases for name in _names(base)} for node in classes}

    def depth(name: str) -> int:
        return 1 + max((depth(base) for base in bases[name] if base in bases and base != name), default=0)

    return max(map(depth, bases), default=0)


if __name__ == "__main__":
    print(tabulate(measure(Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE).items(), tablefmt="github"))
