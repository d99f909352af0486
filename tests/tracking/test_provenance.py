import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mnist_mlflow.tracking.provenance import git_commit, uncommitted_changes, write_environment

CONFIGURATIONS = {
    "plain": {},
    "unusual": {
        "diff.noprefix": "true",
        "diff.mnemonicPrefix": "true",
        "diff.external": "false",
        "diff.renames": "copies",
        "diff.upper.command": "false",
        "diff.upper.textconv": "tr a-z A-Z <",
        "diff.context": "0",
        "diff.relative": "true",
        "color.ui": "always",
        "core.quotePath": "true",
        "core.autocrlf": "input",
        "status.showUntrackedFiles": "no",
    },
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "code.py").write_text("one\n")
    (folder / "gone.txt").write_text("gone\n")
    (folder / "empty").write_text("")
    (folder / "picture.png").write_bytes(bytes(range(256)))
    (folder / "latin.txt").write_bytes(b"caf\xe9\n")
    (folder / "text.upper").write_text("text\n")
    (folder / "tool.sh").write_text("echo\n")
    (folder / ".gitignore").write_text("ignored*\n")
    (folder / ".gitattributes").write_text("*.upper diff=upper\n")
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "-qm", "first")
    return folder


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True).stdout


def files(folder: Path) -> dict[str, tuple[bytes, bool]]:
    """The content of every file but git's own, and whether it can be executed."""
    paths = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts]
    return {str(path.relative_to(folder)): (path.read_bytes(), os.access(path, os.X_OK)) for path in paths}


def change(folder: Path) -> None:
    """All that can happen to a file: text, binary and other encodings; emptied, filled, deleted, moved, new."""
    (folder / "code.py").write_text("two\n\n  \nno newline at the end")
    (folder / "gone.txt").unlink()
    (folder / "empty").write_text("filled\n")
    (folder / "picture.png").write_bytes(bytes(reversed(range(256))))
    (folder / "latin.txt").write_bytes(b"th\xe9\n")
    (folder / "text.upper").write_text("changed\n")
    (folder / "tool.sh").chmod(0o755)
    (folder / "new.py").write_text("three\nfour\n")
    (folder / "empty.py").write_text("")
    (folder / "package").mkdir()
    (folder / "package" / 'neé "quoted".py').write_text("five")
    (folder / "staged.bin").write_bytes(b"\0\1\2")
    git(folder, "add", "staged.bin")


def test_a_clean_tree_has_a_commit_and_no_changes(repository: Path) -> None:
    (repository / "ignored").write_text("x")
    assert len(git_commit(repository) or "") == 40
    assert uncommitted_changes(repository) == b""


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_the_changes_make_the_work_tree_from_a_clean_checkout(
    repository: Path, tmp_path: Path, configuration: str
) -> None:
    change(repository)
    for name, value in CONFIGURATIONS[configuration].items():
        git(repository, "config", name, value)
    changes, clean = uncommitted_changes(repository), tmp_path / "clean"
    git(tmp_path, "clone", "-q", str(repository), str(clean))
    subprocess.run(["git", "apply"], input=changes, cwd=clean, check=True)
    assert files(clean) == files(repository)


def test_other_new_files_are_named_and_not_kept(repository: Path) -> None:
    (repository / ".env").write_text("PASSWORD=secret\n")
    (repository / "ignored.py").write_text("ignored = 1\n")
    changes = uncommitted_changes(repository) or b""
    assert changes == b"?? .env\n\n"


def test_the_repository_stays_as_it_is(repository: Path) -> None:
    change(repository)
    before = git(repository, "status", "--porcelain"), git(repository, "count-objects")
    assert uncommitted_changes(repository)
    assert (git(repository, "status", "--porcelain"), git(repository, "count-objects")) == before


def test_no_repository_is_no_error(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "none").mkdir()
    assert git_commit(tmp_path / "none") is None
    assert uncommitted_changes(tmp_path / "none") is None
    monkeypatch.setenv("PATH", "")
    assert uncommitted_changes(repository) is None


def test_a_repository_that_is_hardly_one_has_at_least_its_status(repository: Path) -> None:
    (repository / "code.py").write_text("two\n")
    (repository / ".git" / "index").unlink()
    assert b"code.py" in (uncommitted_changes(repository) or b"")
    shutil.rmtree(repository / ".git")
    git(repository, "init", "-q")
    assert uncommitted_changes(repository)


def test_the_environment_names_versions(tmp_path: Path) -> None:
    write_environment(tmp_path / "environment")
    assert "mlflow==" in (tmp_path / "environment" / "requirements.txt").read_text()
    assert '"cores"' in (tmp_path / "environment" / "machine.json").read_text()
