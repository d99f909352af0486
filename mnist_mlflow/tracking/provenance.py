"""The origin of a run: the commit, the changes since, and the environment."""

import functools
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from mnist_mlflow.processes import variables_now

# A patch that `git apply` takes, whatever the user's configuration and attributes say about diffs.
DIFF = """-c core.quotePath=false diff-tree --patch --binary --full-index --no-renames --no-color --no-ext-diff
    --no-textconv --src-prefix=a/ --dst-prefix=b/ HEAD"""
OTHER_REPOSITORY = {
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
}
TRUST = "git config --global --add safe.directory "
NOTE = b"The patch is not kept: it would be larger than 10 MB.\n"
MOST = 10_000_000  # bytes of a patch, and of the files that it is made from


def git(root: Path, *arguments: str, **environment: str) -> bytes | None:
    """The output of git, cut after ten megabytes; None where there is no git or no repository of the project."""
    variables = {**git_environment(), "GIT_OPTIONAL_LOCKS": "0", **environment}
    options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    try:
        with subprocess.Popen(["git", "-C", str(root), *arguments], env=variables, **options) as process:
            assert process.stdout
            output: bytes = process.stdout.read(MOST + 1)
            if len(output) > MOST:
                process.kill()
            elif process.wait():
                return None
            return output
    except OSError:
        return None


def git_environment() -> dict[str, str]:
    """The variables of the environment without those that send git to another repository, as hooks set them."""
    return {name: value for name, value in variables_now().items() if name not in OTHER_REPOSITORY} | {"LC_ALL": "C"}


def git_refusal(root: Path) -> tuple[str, str] | None:
    """The reason why git tells nothing about the project's repository, and the remedy; None where it does."""
    folders = [root, *root.parents] if _exists(root / "MLproject") else [root]
    if not any(_exists(folder / ".git") for folder in folders):
        return None
    command = ["git", "-C", str(root), "rev-parse", "--git-dir"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, env=git_environment())
    except OSError:
        return "git is not found: runs name no commit", "Install git"
    if b"safe.directory" in done.stderr:
        trust = re.search(TRUST.encode() + b".+", done.stderr)
        remedy = os.fsdecode(trust[0]) if trust else TRUST + shlex.quote(str(root))
        return f"git does not trust {root}, which belongs to another user: runs name no commit", f"Type: {remedy}"
    return None


def _is_ours(root: Path) -> bool:
    """True if a repository knows the project's files: one that merely lies around them is the user's own."""
    return _exists(root / ".git") or bool(git(root, "ls-files", "--", "."))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder above it may not be read
        return False


def git_commit(root: Path) -> str | None:
    """The commit of the project's repository that is checked out."""
    commit = git(root, "rev-parse", "HEAD") if _is_ours(root) else None
    return commit.decode().strip() if commit else None


def ignore_other_repositories() -> None:
    """Keep MLflow from tagging runs and models with the commit of a repository that merely lies around the program."""
    from mlflow.tracking.context import registry
    from mlflow.tracking.context.git_context import GitRunContext

    providers = registry._run_context_provider_registry
    providers._registry = [one for one in providers if not isinstance(one, GitRunContext)]


def uncommitted_changes(root: Path) -> bytes | None:
    """The status of the work tree, and a patch that makes it from the commit.

    Empty when the tree is clean, None where there is no git or no repository of the project. `git apply` passes over
    the status. The patch holds new Python files; other new files, which may be large or secret, are named alone.
    A note takes the place of a patch of more than ten megabytes.
    """
    status = git(root, "status", "--porcelain", "--untracked-files=normal") if _is_ours(root) else None
    return status and b"\n".join([status, _patch(root)])


def _patch(root: Path) -> bytes:
    """The patch from the commit to a tree beside the user's repository, whose index stays as it is."""
    if _changed_bytes(root) > MOST:
        return NOTE
    try:
        with tempfile.TemporaryDirectory() as folder:
            index = Path(folder) / "index"
            shutil.copy2(_git_path(root, "index"), index)  # with its time, by which git knows what may have changed
            environment = {
                "GIT_INDEX_FILE": str(index),
                "GIT_OBJECT_DIRECTORY": folder,
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(_git_path(root, "objects")),
            }
            git(root, "add", "--update", "--ignore-errors", ":/", **environment)
            git(root, "add", "--ignore-errors", "--", "*.py", **environment)
            tree = git(root, "write-tree", **environment) or b""
            patch = git(root, *DIFF.split(), tree.decode().strip(), **environment) or b""
            return NOTE if len(patch) > MOST else patch
    except OSError:  # no index, no room for another, or git has ended: the status says enough
        return b""


def _changed_bytes(root: Path) -> int:
    """The size of the files that a patch would be made from."""
    changed = git(root, "ls-files", "-z", "--modified", "--", ":/") or b""
    new = git(root, "ls-files", "-z", "--others", "--exclude-standard", "--", "*.py") or b""
    return sum(_size(root / os.fsdecode(name)) for name in (changed + new).split(b"\0") if name)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # deleted
        return 0


def _git_path(root: Path, name: str) -> Path:
    return root / os.fsdecode(git(root, "rev-parse", "--git-path", name) or b"").strip()


@functools.cache
def code_digest() -> str:
    """The SHA-256 of this package's source, which is the same in every checkout and installation of it."""
    package, digest = Path(__file__).resolve().parents[1], hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
