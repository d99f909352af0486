"""The page of each algorithm and the reference of commands, from docstrings, parameters, MLproject and Makefile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from mnist_mlflow.algorithms.base import Algorithm, algorithm_names, get_algorithm
from mnist_mlflow.jobs import get_job, job_docstrings
from mnist_mlflow.parameters import parameters_of, typed
from mnist_mlflow.protocol import DataOptions, ReuseOptions, SearchOptions, SeedsOptions
from tests.documents.hooks import ROOT

SHARED = (DataOptions, SeedsOptions, ReuseOptions, SearchOptions)
FORMS = """`mlflow run . -e NAME --env-manager local -P PARAMETER=VALUE` and
`python -m mnist_mlflow NAME --PARAMETER VALUE` are the same. A command that makes no run has the second form alone."""
TAKEN = "Beside its own hyperparameters each takes these:"
HEAD = ("parameter", "default", "accepted", "what it is")


class Recorder:
    """A trial that takes note of what is suggested, and takes the choice of that number where there are some."""

    def __init__(self, choice: int) -> None:
        self.choice = choice
        self.ranges: dict[str, str] = {}

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Note the choices."""
        self.ranges[name] = " or ".join(f"`{one}`" for one in choices)
        return choices[min(self.choice, len(choices) - 1)]

    def suggest_float(self, name: str, low: float, high: float, log: bool = False) -> float:
        """Note the range."""
        self.ranges[name] = f"{low:g} to {high:g}{', log' if log else ''}"
        return low

    suggest_int = suggest_float


def search_space(algorithm: Algorithm) -> dict[str, str]:
    """The range of each hyperparameter that a search tries, in words; with those that only some choices have."""
    ranges: dict[str, str] = {}
    for choice in range(3):
        algorithm.suggest(recorder := Recorder(choice))
        ranges |= recorder.ranges
    return ranges


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(value: object) -> str:
    """The value as code; nothing for none."""
    return f"`{value}`" if value not in ("", None) else ""


def rows_of(kinds: Iterable[type[Any]]) -> Iterator[list[str]]:
    """A row of name, default, accepted and meaning for each parameter of some classes."""
    for kind in kinds:
        for one in parameters_of(kind):
            yield [code(one.name), code(typed(one.default)), one.accepted, one.meaning]


def prose(docstring: str) -> str:
    """A docstring in Markdown: its commands are blocks of code."""
    indented = re.compile(r"(?:^    .*\n?)+", re.M)
    return indented.sub(
        lambda block: f"```bash\n{re.sub('^    ', '', block[0], flags=re.M).rstrip()}\n```\n", docstring
    )


def algorithm_page(name: str) -> str:
    """The page of an algorithm."""
    algorithm = get_algorithm(name)
    space = search_space(algorithm)
    rows = [[*row, space.get(row[0].strip("`"), "")] for row in rows_of([algorithm.Params])]
    parts = [
        f"# {name}",
        prose(algorithm.__doc__).strip(),
        "## Hyperparameters",
        "A [search](../search.md) tries those that have a range in the last column.",
        table([*HEAD, "searched"], rows),
    ]
    if recipes := getattr(algorithm, "RECIPES", {}):
        parts += ["## Recipes", _recipe_table(recipes, algorithm.Params)]
    parts.append("[Commands](../reference/commands.md#algorithms) lists what every algorithm takes beside these.")
    return "\n\n".join(parts) + "\n"


def _recipe_table(recipes: Mapping[str, Mapping[str, Any]], params: type[Any]) -> str:
    """The defaults that recipes change, side by side."""
    defaults = {one.name: one.default for one in parameters_of(params)}
    changed = sorted({name for values in recipes.values() for name in values})
    rows = [[code(name), *(code(values.get(name, defaults[name])) for values in recipes.values())] for name in changed]
    return table(["hyperparameter", *(code(f"recipe={recipe}") for recipe in recipes)], rows)


def commands_page() -> str:
    """The reference of all commands with their parameters, and of the targets of make."""
    entry_points = yaml.safe_load((ROOT / "MLproject").read_text(encoding="utf-8"))["entry_points"]
    pages = ", ".join(f"[{name}](../algorithms/{name}.md)" for name in algorithm_names())
    parts = ["# Commands", FORMS, "## Algorithms", f"Each is a command: {pages}.", TAKEN, table(HEAD, rows_of(SHARED))]
    for name, docstring in job_docstrings().items():
        takes = list(rows_of([get_job(name).Params]))
        parts += [
            f"## {name}",
            prose(docstring).strip(),
            "" if name in entry_points else "It makes no run, so that `mlflow run` does not start it.",
            table(HEAD, takes) if takes else "It takes no parameters.",
        ]
    targets = re.findall(r"^([a-z]+):.*## (.*)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    parts += ["## make", table(["target", "what it does"], [[code(f"make {name}"), text] for name, text in targets])]
    return "\n\n".join(filter(None, parts)) + "\n"
