"""Making runs again: their code and their environment in place, and their entry points in processes of their own."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from mnist_mlflow.data.databases import sqlite_uri
from mnist_mlflow.data.mnist import VARIABLE
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.jobs.launch import LaunchError, Training, launch
from mnist_mlflow.jobs.members import typed_voters
from mnist_mlflow.jobs.originals import Original
from mnist_mlflow.search.machine import Processes
from mnist_mlflow.tracking.candidates import REPRODUCES
from mnist_mlflow.tracking.environments import build_environment
from mnist_mlflow.tracking.origins import COMMIT, PATCH, Origin, read_origin
from mnist_mlflow.tracking.parcels import move_parcels
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.tracking.sending import HOW_TO_SEND
from mnist_mlflow.tracking.store import project_root, store_address
from mnist_mlflow.tracking.worktrees import check_out, no_room

RECORDED, EXACT = "recorded", "exact"  # the code and the environment of the run
HERE = "Take the code as it is now: code=here"
MISSING = "No module named"  # what Python says of a library


@dataclass
class Workshop:
    """Work trees and environments in a scratch folder, each made once, and the programs that run in them."""

    folder: Path
    code: str
    environment: str
    trees: dict[str, Path] = field(default_factory=dict)
    pythons: dict[str, str] = field(default_factory=dict)

    def program(self, original: Original) -> Processes:
        """The process that makes a run again; raises UserFacingError where its code or environment cannot be had."""
        try:
            tree = self._tree(original.origin) if self.code == RECORDED else None
            python = self._python(original.origin) if self.environment == EXACT else sys.executable
        except OSError as error:
            raise no_room(error) from error
        code = str(tree or Path(__file__).resolve().parents[2])
        others = [] if self.environment == EXACT else [os.environ.get("PYTHONPATH", "")]
        variables = {
            "PYTHONPATH": os.pathsep.join(filter(None, [code, *others])),
            "MLFLOW_TRACKING_URI": store_address(),
            "OPTUNA_STORAGE": sqlite_uri(self.folder / f"{original.origin.run_id}.db"),  # no study is continued
        }
        return Processes(1, python, tree, variables | _data_folder())

    def _tree(self, origin: Origin) -> Path:
        if origin.tags.get("git_dirty") == "True" and not origin.patch:
            raise UserFacingError(f"The uncommitted changes of run {origin.run_id} are gone: {PATCH}. {HERE}")
        name = _name("code", origin.commit, hashlib.sha256(origin.patch).hexdigest())
        if name not in self.trees:
            self.trees[name] = check_out(project_root(), origin.commit, origin.patch, self.folder / name)
        return self.trees[name]

    def _python(self, origin: Origin) -> str:
        packages, version = origin.facts["libraries"], origin.facts["machine"].get("python", "")
        name = _name("environment", version, *map("==".join, packages.items()))
        if name not in self.pythons:
            self.pythons[name] = build_environment(packages, version, self.folder / name)
        return self.pythons[name]


def _name(kind: str, *parts: str) -> str:
    return f"{kind}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:8]}"


def _data_folder() -> dict[str, str]:
    """MNIST_MLFLOW_DATA_DIR, absolute: the process works in another folder."""
    named = os.environ.get(VARIABLE, "")
    return {VARIABLE: str(Path(named).absolute())} if named and not named.startswith("~") else {}


def make_again(original: Original, program: Processes, parent: Run) -> Origin:
    """Train again in a child run of the parent; returns the records of that. An ensemble has the voters that it had.

    Raises UserFacingError when it fails. A result that the store did not take is kept.
    """
    settings = original.settings | ({"voters": typed_voters(original.weights)} if original.is_ensemble else {})
    tags = {"mlflow.parentRunId": parent.id, REPRODUCES: original.origin.run_id}
    if program.folder:
        tags[COMMIT] = original.origin.commit
    try:
        run_id = launch(Training("", original.entry_point, settings, tags), parent, program).run_id
    except LaunchError as error:
        Run(parent.client, error.run_id).set_tags({"role": "reproduction"})
        parcels = move_parcels(program.folder / "unsent") if program.folder else []
        hint = f" Its result is kept in {parcels[0]}. Once that is mended, type: {HOW_TO_SEND}" if parcels else ""
        reason = str(error).partition(" Nothing is lost:")[0] if parcels else str(error)
        if MISSING in reason and program.python == sys.executable:
            hint = f". To have the libraries of the run, type: env={EXACT}"
        raise UserFacingError(f"Run {original.origin.run_id} could not be made again: {reason}{hint}") from error
    Run(parent.client, run_id).set_tags({"role": "reproduction"})  # whatever its code, maybe an old one, has said
    return read_origin(parent.client.get_run(run_id))
