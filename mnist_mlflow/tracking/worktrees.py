"""Recorded code in a folder of its own: a commit and its uncommitted changes, beside the user's work tree.

All is in one temporary folder, which goes away whatever happens. After a SIGKILL the next one takes it away.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.processes import PROGRAM, is_gone, read_owner, this_process
from mnist_mlflow.tracking.parcels import move_parcels
from mnist_mlflow.tracking.provenance import NOTE, git, git_commit, git_environment, git_refusal

PREFIX = f"{PROGRAM}-reproduce-"
OWNER = "owner.json"
COMMIT = re.compile(r"[0-9a-f]{7,64}")
NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")  # the user's are for the user's work tree
HERE = "or take the code as it is now: code=here"
FILES = re.compile(rb'^diff --git "?a/(.*?)"? "?b/', re.M)  # quoted where letters are unusual


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A temporary folder for work trees and environments; raises UserFacingError where there is no room for one."""
    sweep()
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
        (folder / OWNER).write_text(json.dumps(this_process()), encoding="utf-8")
    except OSError as error:
        raise no_room(error) from error
    try:
        yield folder
    finally:
        remove(folder)


def no_room(error: OSError) -> UserFacingError:
    """The error of a temporary folder that takes nothing."""
    return UserFacingError(
        f"No code can be put into a temporary folder ({one_line(error)}). Make room there, or name another folder: "
        "export TMPDIR=/path/to/folder"
    )


def sweep() -> None:
    """Remove what processes that were killed have left."""
    with contextlib.suppress(OSError):  # no folder for temporary files
        for owner in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{OWNER}"):
            with contextlib.suppress(OSError, ValueError):  # another user's, or another process removes it too
                if is_gone(read_owner(owner.read_text(encoding="utf-8"))) and not _is_used(owner.parent):
                    remove(owner.parent)


def _is_used(folder: Path) -> bool:
    """True while a process works there: one whose parent was killed takes a moment to close its run."""
    import psutil

    folders = (process.info["cwd"] for process in psutil.process_iter(["cwd"]))
    return any(Path(current).is_relative_to(folder.resolve()) for current in folders if current)


def remove(folder: Path) -> None:
    """Remove a scratch folder with its work trees, of which git keeps a list; results that wait there are kept."""
    for link in folder.glob("*/.git"):
        for unsent in link.parent.rglob("unsent"):
            move_parcels(unsent)
        git(link.parent, "worktree", "remove", "--force", "--force", str(link.parent))
    shutil.rmtree(folder, ignore_errors=True)


def check_out(root: Path, commit: str, patch: bytes, folder: Path) -> Path:
    """Check out a commit of the repository of `root`, and apply a patch to it; returns the project's folder there.

    The patch is one of `uncommitted_changes`. Raises UserFacingError for a commit or patch that cannot be had.
    """
    check_commit(root, commit)
    if patch.endswith(NOTE):
        raise UserFacingError(
            f"The changes since commit {commit[:10]} were too many to be kept (10 MB). Have them back by hand, {HERE}"
        )
    if error := _complaint(root, *NO_HOOKS, "worktree", "add", "--force", "--detach", str(folder), commit):
        raise UserFacingError(f"Commit {commit[:10]} cannot be checked out to {folder}: {error}. Make room there.")
    if FILES.search(patch):
        path = folder.with_suffix(".diff")
        path.write_bytes(patch)
        if error := _complaint(folder, "apply", "--whitespace=nowarn", str(path)):
            raise UserFacingError(
                f"The recorded changes do not apply to commit {commit[:10]} ({error}): the file git/uncommitted.diff "
                f"of the run is damaged. Mend it, {HERE}"
            )
    prefix = git(root, "rev-parse", "--show-prefix") or b""
    return folder / os.fsdecode(prefix).strip()


def check_commit(root: Path, commit: str) -> None:
    """Raise UserFacingError, with the remedy, where the repository of a folder does not have a commit."""
    if not COMMIT.fullmatch(commit):
        raise UserFacingError("The run has recorded no commit: it was made outside of a repository. Type: code=here")
    if refusal := git_refusal(root):
        raise UserFacingError("{}. {}, ".format(*refusal) + HERE)
    if git_commit(root) is None:
        raise UserFacingError(f"{root} is no clone of the project: there is no commit {commit[:10]}. Clone it, {HERE}")
    if git(root, "cat-file", "-e", f"{commit}^{{commit}}") is None:
        is_shallow = (git(root, "rev-parse", "--is-shallow-repository") or b"").strip() == b"true"
        fetch = "git fetch --unshallow" if is_shallow else "git fetch --all"
        raise UserFacingError(
            f"Commit {commit[:10]} is not in {root}. Type there: {fetch}. Who made the run has to push it first, {HERE}"
        )


def not_recorded(patch: bytes) -> list[str]:
    """The new files that were not recorded, as they are not Python: the status before the patch names them."""
    status, _, _ = patch.partition(b"\n\n")
    new = [line[3:] for line in status.splitlines() if line.startswith(b"?? ")]
    held = FILES.findall(patch)
    names = [name.strip(b'"') for name in new]
    return [
        os.fsdecode(name)
        for name in names
        if not name.endswith(b".py") and not any(file.startswith(name) for file in held)
    ]


def _complaint(folder: Path, *arguments: str) -> str:
    """The last line in which git complains; empty where it does what it is asked."""
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, check=False, env=git_environment())
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return (lines[-1].rstrip(".") if lines else f"git ends with status {done.returncode}") if done.returncode else ""
