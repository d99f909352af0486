"""Recorded environments: the versions that a run had, built again with uv."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from mnist_mlflow.errors import UserFacingError, one_line

OURS = "mnist-mlflow"  # whose code comes from the recorded commit
PIN = re.compile(r"[A-Za-z0-9][\w.-]*==[\w.!+-]+", re.ASCII)  # all that uv is given from a file of anybody's
CAUSE = re.compile("╰─▶ |cause: ")  # announces the last line in which uv says why, of several
HERE = "or take the environment as it is: env=here"


def find_uv() -> str:
    """The path of uv; raises UserFacingError, with the way to get it, where there is none."""
    uv = shutil.which("uv")
    if uv is None:
        raise UserFacingError(f"env=exact builds with uv, which is not found. Type: pip install uv, {HERE}")
    return uv


def build_environment(packages: Mapping[str, str], python: str, folder: Path) -> str:
    """Build an environment with these versions of packages and of Python in a new folder; returns its Python.

    What was installed from a folder or an address is recorded by its version alone, and taken from the index. Raises
    UserFacingError, with the reason that uv gives, where something cannot be had.
    """
    uv, pins = find_uv(), [f"{name}=={version}" for name, version in packages.items() if name != OURS]
    if not pins or not all(map(PIN.fullmatch, [*pins, f"python=={python}"])):
        raise UserFacingError("The run's record of its environment is gone or damaged: environment/. Type: env=here")
    file = folder.with_suffix(".txt")
    file.write_text("\n".join(pins) + "\n", encoding="utf-8")
    _call(uv, "venv", "--quiet", "--python", python, str(folder))
    executable = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    _call(uv, "pip", "install", "--quiet", "--no-deps", "--python", str(executable), "-r", str(file))
    return str(executable)


def _call(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UserFacingError(f"uv cannot be started: {one_line(error)}.") from error
    if done.returncode:
        text = " ".join(done.stderr.partition("hint:")[0].split())
        reason = CAUSE.split(text)[-1] or f"it ends with status {done.returncode}"
        raise UserFacingError(f"The recorded environment cannot be built: {reason.rstrip('.')}. Type: env=here")
