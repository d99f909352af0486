"""Environments of runs: the versions and the machine as they are recorded, and built again with uv."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distributions, requires
from pathlib import Path

from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.processes import count_cores, variables_now

OURS = "mnist-mlflow"  # whose code comes from the recorded commit
PIN = re.compile(r"[A-Za-z0-9][\w.-]*==[\w.!+-]+", re.ASCII)  # all that uv is given from a file of anybody's
CAUSE = re.compile("╰─▶ |cause: ")  # announces the last line in which uv says why, of several
HERE = "or take the environment as it is: env=here"
# Variables that decide how many threads the libraries use, or in which order they add numbers.
THREADS = re.compile(
    r"(OMP|OPENBLAS|MKL|BLIS|VECLIB_MAXIMUM|NUMEXPR|TF)_(NUM|ENABLE|DETERMINISTIC|CPP|CORETYPE)\w*|LOKY_MAX_CPU_COUNT",
    re.ASCII,
)


def write_environment(folder: Path) -> None:
    """Write `requirements.txt`, all installed distributions, and `machine.json` into a folder."""
    folder.mkdir(parents=True)
    installed = _installed(tuple(_described()))
    (folder / "requirements.txt").write_text("\n".join(installed) + "\n", encoding="utf-8")
    machine = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": count_cores(),
        **{name: value for name, value in sorted(variables_now().items()) if THREADS.fullmatch(name)},
    }
    (folder / "machine.json").write_text(json.dumps(machine, indent=2), encoding="utf-8")


def thread_arguments(machine: Mapping[str, str]) -> list[str]:
    """The arguments with which `env` gives a command the threads of a recorded machine; none where it has them."""
    recorded, here = ({name: of[name] for name in of if THREADS.fullmatch(name)} for of in (machine, os.environ))
    gone = [f"-u {name}" for name in here if name not in recorded]
    return gone + [f"{name}={shlex.quote(recorded[name])}" for name in recorded if here.get(name) != recorded[name]]


@functools.cache
def _installed(described: tuple[Path, ...]) -> list[str]:
    """All installed distributions, read again only when others are described: reading takes a while."""
    return sorted({f"{package.name}=={package.version}" for package in distributions()}, key=str.lower)


def _described() -> Iterator[Path]:
    """The folders that describe distributions, whose names hold the versions."""
    for folder in sys.path:
        with contextlib.suppress(OSError):  # it may not be read
            yield from sorted(Path(folder).glob("*-info"))


def required_libraries() -> set[str]:
    """The distributions that the project itself asks for, extras too, in lower case with dashes."""
    try:
        requirements = requires("mnist-mlflow") or []
    except PackageNotFoundError:  # the folder was copied, not installed
        return set()
    return {re.split(r"[^\w.-]", line, maxsplit=1)[0].lower().replace("_", "-") for line in requirements}


def _processor() -> str:
    """The model of the processor, by which libraries choose their instructions; else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


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
