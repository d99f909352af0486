"""Where a run came from: the commit, what was changed since, and the environment."""

import json
import os
import platform
import subprocess
from importlib.metadata import distributions
from pathlib import Path


def git(root: Path, *arguments: str) -> str | None:
    """What git prints, or None where there is no git or no repository."""
    command = ["git", "-C", str(root), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=True, text=True, errors="replace").stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def git_commit(root: Path) -> str | None:
    """The commit that is checked out."""
    commit = git(root, "rev-parse", "HEAD")
    return commit.strip() if commit else None


def uncommitted_changes(root: Path) -> str | None:
    """The status and the diff of the work tree against the commit, new Python files included; empty when clean.

    Other new files are named alone: they may be large, or secret. None where there is no git or no repository.
    """
    status = git(root, "status", "--porcelain")
    if not status:
        return status
    new_files = (git(root, "ls-files", "-z", "--others", "--exclude-standard", "*.py") or "").split("\0")[:-1]
    return "\n".join([status, git(root, "diff", "HEAD") or "", *(_as_diff(root, name) for name in new_files)])


def _as_diff(root: Path, name: str) -> str:
    lines = (root / name).read_text(errors="replace").splitlines()
    return "\n".join([f"--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,{len(lines)} @@", *(f"+{line}" for line in lines)])


def write_environment(folder: Path) -> None:
    """Write `requirements.txt`, all installed distributions, and `machine.json` into a folder."""
    folder.mkdir(parents=True)
    installed = sorted({f"{found.name}=={found.version}" for found in distributions()}, key=str.lower)
    (folder / "requirements.txt").write_text("\n".join(installed) + "\n")
    machine = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }
    (folder / "machine.json").write_text(json.dumps(machine, indent=2))
