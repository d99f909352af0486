import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from mnist_mlflow.tracking.provenance import NOTE, git_commit, git_refusal, uncommitted_changes
from tests.conftest import ROOT, python

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


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_a_repository_of_somebody_else_is_told_with_the_command_that_mends_it(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    assert git_refusal(repository) is None
    for path in (repository, *repository.rglob("*")):
        os.chown(path, 12345, 12345)
    reason, remedy = git_refusal(repository) or ("", "")
    assert "does not trust" in reason
    assert "\n" not in reason + remedy
    assert uncommitted_changes(repository) is None
    subprocess.run(remedy.removeprefix("Type: "), shell=True, check=True)
    assert git_refusal(repository) is None
    assert uncommitted_changes(repository) == b""


def test_git_that_is_missing_is_told(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git_refusal(repository) == ("git is not found: runs name no commit", "Install git")
    assert git_refusal(tmp_path) is None


def test_no_other_repository_is_looked_into(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, unrelated = repository / "site-packages", tmp_path / "unrelated"
    inside.mkdir()
    (inside / "module.py").write_text("installed\n")
    unrelated.mkdir()
    assert git_commit(inside) is None
    assert uncommitted_changes(inside) is None
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    assert git_commit(unrelated) is None
    git(repository, "--git-dir", str(repository / ".git"), "add", "site-packages")
    monkeypatch.delenv("GIT_DIR")
    assert git_commit(inside)  # a project in a folder of a larger repository


def test_nothing_that_lies_in_the_work_tree_stops_the_reading(repository: Path) -> None:
    (repository / "code.py").write_text("two\n")
    (repository / "gone.txt").unlink()
    (repository / "gone.txt").symlink_to("nowhere")
    (repository / "dangling.py").symlink_to("nowhere.py")
    (repository / "loop.py").symlink_to("loop.py")
    os.mkfifo(repository / "pipe.py")
    (repository / os.fsdecode(b"caf\xe9.py")).write_text("latin\n")
    for name in ("nested", "nested.py"):
        git(repository, "init", "-q", name)
        (repository / name / "inner.py").write_text("inner\n")
    (repository / "empty").chmod(0)
    (repository / "locked").mkdir(mode=0)
    changes = uncommitted_changes(repository) or b""
    assert b"+two" in changes


def test_a_file_that_may_not_be_read_stops_nothing(repository: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:  # tmp_path is for its owner alone
        repository = Path(shutil.copytree(repository, Path(folder) / "repository"))
        Path(folder).chmod(0o755)
        subprocess.run(["chmod", "-R", "a+rwX", str(repository)], check=True)
        check_with_a_locked_file(repository)


def check_with_a_locked_file(repository: Path) -> None:
    (repository / "code.py").write_text("two\n")
    (repository / "tool.sh").write_text("changed\n")
    (repository / "tool.sh").chmod(0)
    code = f"""
import os
from pathlib import Path
os.environ.update(GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*")
from mnist_mlflow.tracking.provenance import uncommitted_changes
if os.getuid() == 0:
    os.setuid(12345)
print(uncommitted_changes(Path({str(repository)!r})))
"""
    assert "+two" in python(code, ROOT)


def test_a_patch_that_would_be_huge_is_left_out_with_a_note(repository: Path, tmp_path: Path) -> None:
    picture = repository / "picture.png"
    picture.write_bytes(os.urandom(9_000_000))  # larger as text of a patch
    changes = uncommitted_changes(repository) or b""
    assert changes == b" M picture.png\n\n" + NOTE
    with picture.open("wb") as file:
        file.truncate(5_000_000_000)  # a hole, which git would read for a minute
    assert (uncommitted_changes(repository) or b"").endswith(NOTE)
