"""The figures as JSON, saved after each part, each with the circumstances of its measurement."""

import json
import os
import platform
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from benchmarks.process import ROOT

Results = dict[str, Any]

LIBRARIES = (
    *("numpy", "opencv-python-headless", "scikit-learn", "onnxruntime"),
    *("xgboost", "tensorflow", "keras", "mlflow"),
)


def load(folder: Path) -> Results:
    """The figures of earlier runs, by part; empty where there are none."""
    path = folder / "results.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def save_part(folder: Path, part: str, figures: Results, measured: Results) -> Results:
    """Replace the figures of one part, and their circumstances, by new ones; returns all parts."""
    results = load(folder) | {part: {**figures, "measured": measured}}
    (folder / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return results


def circumstances() -> Results:
    """The circumstances of a measurement: time, command, commit and machine."""
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
    # `tracking` has this too, but would import MLflow, whose memory every child process would count.
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def machine() -> str:
    """Processor, cores and versions, on one line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = {distribution.name: distribution.version for distribution in distributions()}
    installed = [f"{name} {versions.get(name, 'not installed')}" for name in LIBRARIES]
    return f"{_processor()}, {cores} cores; Python {platform.python_version()}, {', '.join(installed)}"


def _processor() -> str:
    path = Path("/proc/cpuinfo")  # Linux; elsewhere Python knows
    model = re.search(r"^model name\s*: (.*)", path.read_text(encoding="utf-8"), re.M) if path.exists() else None
    return model[1].strip() if model else platform.processor()
