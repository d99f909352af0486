"""One file per command that is no algorithm (main, ensemble, select, report, compare, ...), and shared ones.

A job's docstring is its command's help. Its `Params` are the options, and `run(params, progress)` does the work in a
run. Begin with train.py, which every algorithm goes through: data, search if wanted, fit, record. `recording.py` fills
the run, `search.py` searches inside it, `trial_runs.py` writes its trials. `launch.py` trains in a process of its own,
`seeds.py` in one for each of several seeds. `reuse.py` trains only where no finished run is the same.
`originals.py` reads the run that `reproduce` makes again, `remake.py` makes it. `members.py` are those of an ensemble.
`applying.py` carries out a dry run of `select`, `rollback.py` puts a champion back. `corruptions.py` does what
`evaluate` does with corruptions=1, `examination.py` what it does with data=PATH. `serving/` is the server of `serve`.
`api/` has the functions that the package exports, each of which does in Python what a command does.
"""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from mnist_mlflow.types import Progress


class Job(Protocol):
    """A module of this package that is an entry point."""

    Params: type[Any]

    def run(self, params: Any, progress: Progress) -> Any:
        """Do the work; the result is what `show_<name>` of the console shows."""


def job_docstrings() -> dict[str, str]:
    """The docstring of each job by its name, read without importing: the files of this folder that define Params."""
    docstrings = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.ClassDef) and node.name == "Params" for node in tree.body):
            docstrings[path.stem] = ast.get_docstring(tree) or ""
    return docstrings


def get_job(name: str) -> Job:
    """The module of a job."""
    module: Any = import_module(f"mnist_mlflow.jobs.{name}")
    return module  # type: ignore[no-any-return]
