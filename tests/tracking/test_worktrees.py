"""Recorded code in a folder of its own, from a repository that stays as it is."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.processes import this_process
from mnist_mlflow.tracking import parcels, worktrees
from mnist_mlflow.tracking.provenance import NOTE, git_commit, uncommitted_changes
from mnist_mlflow.tracking.worktrees import OWNER, PREFIX, check_out, not_recorded, remove, scratch_folder
from tests.tracking.test_provenance import change, files, git, repository

__all__ = ["repository"]  # the fixture: a commit with files of every kind
ADDED = {"new.py", "empty.py", 'package/neé "quoted".py', "staged.bin"}
pytestmark = pytest.mark.usefixtures("temporary")


def commit_of(repository: Path) -> str:
    return git_commit(repository) or ""


def commit(repository: Path) -> None:
    git(repository, "-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "-qam", "second")


def state(repository: Path) -> tuple[str, str, str]:
    """The status, the branch and the work trees of a repository."""
    return tuple(git(repository, *words) for words in (("status", "-s"), ("branch", "-v"), ("worktree", "list")))  # type: ignore[return-value]


def test_the_code_is_what_was_recorded_and_the_repository_stays_as_it_is(repository: Path, temporary: Path) -> None:
    """From an older commit, with a changed work tree here; the user's hooks and variables do not count."""
    change(repository)
    recorded, patch, first = files(repository), uncommitted_changes(repository) or b"", commit_of(repository)
    commit(repository)
    (repository / "code.py").write_text("three\n")
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\ntouch hooked\n")
    hook.chmod(0o755)
    before, content = state(repository), files(repository)
    with scratch_folder() as folder:
        tree = check_out(repository, first, patch, folder / "code")
        assert files(tree) == recorded
        assert uncommitted_changes(tree)
        assert commit_of(tree) == first
    assert list(temporary.iterdir()) == []
    assert (state(repository), files(repository)) == (before, content)


def test_a_project_in_a_folder_of_a_larger_repository_is_found_there(repository: Path) -> None:
    project = repository / "project"
    project.mkdir()
    (project / "MLproject").write_text("name: x\n")
    git(repository, "add", "-A")
    commit(repository)
    with scratch_folder() as folder:
        tree = check_out(project, commit_of(project), b"", folder / "code")
        assert tree == folder / "code" / "project"
        assert (tree / "MLproject").exists()


def test_an_error_removes_all_too(repository: Path, temporary: Path) -> None:
    before = state(repository)

    def stop() -> None:
        with scratch_folder() as folder:
            check_out(repository, commit_of(repository), b"", folder / "code")
            raise SystemExit(143)

    with pytest.raises(SystemExit):
        stop()
    assert list(temporary.iterdir()) == []
    assert state(repository) == before


REFUSED = {
    "a commit of another clone": ("0" * 40, b"", "is not in .* Type there: git fetch --all\\. .* code=here"),
    "a patch that was damaged": (
        "",
        b" M code.py\n\ndiff --git a/code.py b/code.py\n+x",
        "do not apply to .* code=here",
    ),
    "a patch of other files": (
        "",
        b" M x\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
        r"\(error: x: No such file or directory\)",
    ),
    "a patch that was too large": ("", b" M code.py\n\n" + NOTE, "too many to be kept .*code=here"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_code_that_cannot_be_had_is_a_line_with_the_remedy(case: str, repository: Path, temporary: Path) -> None:
    name, patch, message = REFUSED[case]
    before = state(repository)
    with scratch_folder() as folder, pytest.raises(UserFacingError, match=message) as refusal:
        check_out(repository, name or commit_of(repository), patch, folder / "code")
    assert "\n" not in str(refusal.value)
    assert list(temporary.iterdir()) == []
    assert state(repository) == before


def test_a_shallow_clone_is_told_to_deepen_itself(repository: Path, tmp_path: Path) -> None:
    first = commit_of(repository)
    git(
        repository, "-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "-q", "--allow-empty", "-m", "next"
    )
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", "shallow")
    with scratch_folder() as folder, pytest.raises(UserFacingError, match="git fetch --unshallow"):
        check_out(tmp_path / "shallow", first, b"", folder / "code")


def test_where_there_is_no_git_or_no_clone_the_code_of_today_is_offered(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = commit_of(repository)
    with scratch_folder() as folder:
        with pytest.raises(UserFacingError, match=r"is no clone of the project: .* code=here"):
            check_out(tmp_path, first, b"", folder / "code")
        monkeypatch.setenv("PATH", "")
        with pytest.raises(UserFacingError, match=r"git is not found: .* Install git, .* code=here"):
            check_out(repository, first, b"", folder / "code")


def test_what_a_killed_process_has_left_is_taken_away(repository: Path, temporary: Path) -> None:
    before = state(repository)
    gone, alive = temporary / f"{PREFIX}gone", temporary / f"{PREFIX}alive"
    for folder, owner in ((gone, {**this_process(), "born": 0.0}), (alive, this_process())):
        folder.mkdir()
        (folder / OWNER).write_text(json.dumps(owner))
    check_out(repository, commit_of(repository), b"", gone / "code")
    with scratch_folder():
        assert not gone.exists()
    assert state(repository) == before
    assert alive.exists()


def test_a_folder_in_which_a_process_still_works_stays(temporary: Path) -> None:
    folder = temporary / f"{PREFIX}used"
    folder.mkdir()
    (folder / OWNER).write_text(json.dumps({**this_process(), "born": 0.0}))
    process = subprocess.Popen(["sleep", "60"], cwd=folder)
    try:
        worktrees.sweep()
        assert folder.exists()
    finally:
        process.kill()
        process.wait()
    worktrees.sweep()
    assert not folder.exists()


def test_a_work_tree_whose_repository_is_gone_is_removed_too(repository: Path, temporary: Path) -> None:
    folder = temporary / "scratch"
    folder.mkdir()
    check_out(repository, commit_of(repository), b"", folder / "code")
    shutil.rmtree(repository)
    remove(folder)
    assert not folder.exists()


def test_a_result_that_waits_in_a_work_tree_is_kept(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcels, "project_root", lambda: tmp_path / "project")
    with scratch_folder() as folder:
        tree = check_out(repository, commit_of(repository), b"", folder / "code")
        parcel = tree / "unsent" / "0123"
        parcel.mkdir(parents=True)
        (parcel / "parcel.json").write_text("{}")
        (tree / "unsent" / ".filling-0456").mkdir()
    assert [path.name for path in (tmp_path / "project" / "unsent").iterdir()] == ["0123"]


def test_no_room_for_temporary_files_is_told(temporary: Path) -> None:
    temporary.rmdir()
    with pytest.raises(UserFacingError, match=r"export TMPDIR=/path/to/folder"), scratch_folder():
        pass


def test_new_files_that_were_not_recorded_are_named(repository: Path) -> None:
    change(repository)
    assert not_recorded(uncommitted_changes(repository) or b"") == []
    (repository / "table.csv").write_text("1\n")
    (repository / "folder").mkdir()
    (repository / "folder" / "note.txt").write_text("2\n")
    assert not_recorded(uncommitted_changes(repository) or b"") == ["folder/", "table.csv"]
    assert not_recorded(b"") == []
