"""The figures as JSON, kept after each part, each with when, where and how it was measured."""

import json
import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.process import ROOT

Results = dict[str, Any]

LIBRARIES = (
    "numpy",
    "opencv-python-headless",
    "scikit-learn",
    "scikit-learn-intelex",
    "xgboost",
    "tensorflow",
    "keras",
    "mlflow",
)


def load(folder: Path) -> Results:
    """What earlier runs have measured, by part; nothing where there was none."""
    path = folder / "results.json"
    return json.loads(path.read_text()) if path.exists() else {}


def keep(folder: Path, part: str, figures: Results, measured: Results) -> Results:
    """Put the figures of one part, and how they came about, in the place of its earlier ones; returns all parts."""
    results = load(folder) | {part: {**figures, "measured": measured}}
    (folder / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    return results


def circumstances() -> Results:
    """When the measuring begins, by which command, at which commit, and on what."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
        "commit": commit(),
        "machine": machine(),
    }


def commit() -> str:
    """The commit that was measured, and whether programs had been changed since."""
    changed = ", with changes" if _git("status", "--porcelain", "--", "*.py") else ""
    return (_git("rev-parse", "--short=10", "HEAD") or "unknown") + changed


def _git(*arguments: str) -> str:
    # That of `tracking` would bring MLflow along, and with it memory that every process started from here counts.
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def machine() -> str:
    """Processor, cores and versions, on one line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    installed = [f"{name} {_version(name)}" for name in LIBRARIES]
    return f"{_processor()}, {cores} cores; Python {platform.python_version()}, {', '.join(installed)}"


def _processor() -> str:
    path = Path("/proc/cpuinfo")  # Linux; elsewhere Python knows
    lines = path.read_text().splitlines() if path.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
