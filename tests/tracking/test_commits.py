"""Changes of the code between commits."""

from pathlib import Path

import pytest

from mnist_mlflow.tracking.commits import FileChange, file_changes, has_commit, patch_between
from mnist_mlflow.tracking.provenance import git

IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")


@pytest.fixture
def commits(tmp_path: Path) -> tuple[str, str]:
    """Two commits, of which the second changes a file of the package and one beside it."""
    (tmp_path / "mnist_mlflow").mkdir()
    git(tmp_path, "init")
    for text in ("a = 1\n", "a = 2\nb = 3\n"):
        (tmp_path / "mnist_mlflow" / "größe.py").write_text(text)
        (tmp_path / "notes.txt").write_text(text)
        git(tmp_path, "add", ".")
        git(tmp_path, *IDENTITY, "commit", "--no-verify", "-m", "x")
    second, first = (git(tmp_path, "log", "--format=%H") or b"").decode().split()
    return first, second


def test_the_patch_is_that_of_the_package(commits: tuple[str, str], tmp_path: Path) -> None:
    patch = patch_between(tmp_path, *commits)
    assert patch
    assert file_changes(patch) == [FileChange("mnist_mlflow/größe.py", 2, 1)]
    assert patch_between(tmp_path, commits[0], commits[0]) == ""


def test_a_commit_that_is_not_there_is_told_from_others(commits: tuple[str, str], tmp_path: Path) -> None:
    assert has_commit(tmp_path, commits[0])
    assert not has_commit(tmp_path, "0" * 40)
    assert patch_between(tmp_path, commits[0], "0" * 40) is None


@pytest.mark.parametrize("text", ["--output=written", "HEAD", "", "main --output=written"])
def test_a_tag_that_is_no_commit_never_reaches_git(text: str, commits: tuple[str, str], tmp_path: Path) -> None:
    assert not has_commit(tmp_path, text)
    assert patch_between(tmp_path, text, commits[0]) is None
    assert patch_between(tmp_path, commits[0], text) is None
    assert not list(tmp_path.glob("written*"))


def test_lines_that_look_like_headers_are_counted_as_lines() -> None:
    patch = (
        " M a.sql\n\ndiff --git a/a.sql b/a.sql\n--- a/a.sql\n+++ b/a.sql\n@@ -1 +1,2 @@\n--- gone\n+++ new\n+more\n"
    )
    assert file_changes(patch) == [FileChange("a.sql", 2, 1)]
    assert file_changes("?? new.txt\n") == []
