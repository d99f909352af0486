"""The origin of a run: the commit, the changes since, and the environment."""

import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
from importlib.metadata import distributions
from pathlib import Path

# A patch that `git apply` takes, whatever the user's configuration and attributes say about diffs.
DIFF = """-c core.quotePath=false diff-tree --patch --binary --full-index --no-renames --no-color --no-ext-diff
    --no-textconv --src-prefix=a/ --dst-prefix=b/ HEAD"""


def git(root: Path, *arguments: str, **environment: str) -> bytes | None:
    """The output of git, or None where there is no git or no repository."""
    command = ["git", "-C", str(root), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=True, env={**os.environ, **environment}).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def git_refusal(root: Path) -> tuple[str, str] | None:
    """The reason why git tells nothing about a repository of ours, and the remedy; None where it does."""
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return None
    command = ["git", "-C", str(root), "rev-parse", "--git-dir"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"})
    except OSError:
        return "git is not found: runs name no commit", "Install git"
    if b"safe.directory" in done.stderr:
        trust = re.search(rb"git config --global --add safe.directory .+", done.stderr)
        remedy = os.fsdecode(trust[0]) if trust else f"git config --global --add safe.directory {root}"
        return f"git does not trust {root}, which belongs to another user: runs name no commit", f"Type: {remedy}"
    return None


def git_commit(root: Path) -> str | None:
    """The commit that is checked out."""
    commit = git(root, "rev-parse", "HEAD")
    return commit.decode().strip() if commit else None


def uncommitted_changes(root: Path) -> bytes | None:
    """The status of the work tree, and a patch that makes it from the commit; empty when the work tree is clean.

    `git apply` passes over the status. The patch holds new Python files; other new files are named alone, for they
    may be large or secret. None where there is no git or no repository.
    """
    status = git(root, "status", "--porcelain", "--untracked-files=normal")
    return status and b"\n".join([status, _patch(root)])


def _patch(root: Path) -> bytes:
    """The patch from the commit to a tree that git writes beside the user's repository, whose index stays as it is."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            index = Path(folder) / "index"
            shutil.copy(_git_path(root, "index"), index)
            environment = {
                "GIT_INDEX_FILE": str(index),
                "GIT_OBJECT_DIRECTORY": folder,
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(_git_path(root, "objects")),
            }
            git(root, "add", "--update", "--ignore-errors", ":/", **environment)
            git(root, "add", "--ignore-errors", "--", "*.py", **environment)
            tree = git(root, "write-tree", **environment) or b""
            return git(root, *DIFF.split(), tree.decode().strip(), **environment) or b""
    except OSError:  # no index, no room for another, or git has ended: the status says enough
        return b""


def _git_path(root: Path, name: str) -> Path:
    return root / os.fsdecode(git(root, "rev-parse", "--git-path", name) or b"").strip()


def write_environment(folder: Path) -> None:
    """Write `requirements.txt`, all installed distributions, and `machine.json` into a folder."""
    folder.mkdir(parents=True)
    installed = sorted({f"{package.name}=={package.version}" for package in distributions()}, key=str.lower)
    (folder / "requirements.txt").write_text("\n".join(installed) + "\n")
    machine = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }
    (folder / "machine.json").write_text(json.dumps(machine, indent=2))
