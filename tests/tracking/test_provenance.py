import subprocess
from pathlib import Path

import pytest

from mnist_mlflow.tracking.provenance import git_commit, uncommitted_changes, write_environment


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "code.py").write_text("one\n")
    (tmp_path / ".gitignore").write_text("ignored\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "-qm", "first")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True)


def test_a_clean_tree_has_a_commit_and_no_changes(repository: Path) -> None:
    (repository / "ignored").write_text("x")
    assert len(git_commit(repository) or "") == 40
    assert uncommitted_changes(repository) == ""


def test_changed_and_new_files_are_in_the_diff(repository: Path) -> None:
    (repository / "code.py").write_text("two\n")
    (repository / "new.py").write_text("three\nfour\n")
    (repository / "neé.py").write_text("five\n")
    (repository / ".env").write_text("PASSWORD=secret\n")
    changes = uncommitted_changes(repository) or ""
    assert "-one\n+two" in changes
    assert "+++ b/new.py\n@@ -0,0 +1,2 @@\n+three\n+four" in changes
    assert "+++ b/neé.py\n@@ -0,0 +1,1 @@\n+five" in changes
    assert ".env" in changes
    assert "secret" not in changes


def test_the_diff_of_a_new_file_applies(repository: Path, tmp_path: Path) -> None:
    (repository / "new.py").write_text("three\nfour\n")
    diff = (uncommitted_changes(repository) or "").split("\n\n", 1)[1].strip() + "\n"
    (repository / "new.py").unlink()
    subprocess.run(["git", "-C", str(repository), "apply"], input=diff, text=True, check=True)
    assert (repository / "new.py").read_text() == "three\nfour\n"


def test_no_repository_is_no_error(tmp_path: Path) -> None:
    assert git_commit(tmp_path) is None
    assert uncommitted_changes(tmp_path) is None


def test_the_environment_names_versions(tmp_path: Path) -> None:
    write_environment(tmp_path / "environment")
    assert "mlflow==" in (tmp_path / "environment" / "requirements.txt").read_text()
    assert '"cores"' in (tmp_path / "environment" / "machine.json").read_text()
