"""What a release consists of: the wheel, its version, and the changelog. `python -m tests.release` tries it."""

import email
import shutil
import tomllib
import zipfile
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import build
import pytest
from packaging.requirements import Requirement
from pyproject_hooks import quiet_subprocess_runner

import mnist_mlflow
from tests import release
from tests.conftest import ROOT
from tests.release import COMMANDS, newest_version

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SOURCES = ("pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel, built from a copy: setuptools leaves a folder where it builds."""
    folder = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "mnist_mlflow", folder / "mnist_mlflow", ignore=shutil.ignore_patterns("__pycache__"))
    builder = build.ProjectBuilder(folder, runner=quiet_subprocess_runner)
    with zipfile.ZipFile(builder.build("wheel", folder / "dist")) as built:
        yield built


def metadata(wheel: zipfile.ZipFile, name: str = "METADATA") -> Message:
    return email.message_from_bytes(wheel.read(f"mnist_mlflow-{mnist_mlflow.__version__}.dist-info/{name}"))


@pytest.mark.slow
def test_the_wheel_has_every_file_of_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    files = [path for path in (ROOT / "mnist_mlflow").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    expected = {path.relative_to(ROOT).as_posix() for path in files}
    assert {Path(name).suffix for name in expected} >= {".py", ".jinja", ".js", ".css", ".svg"}
    assert "mnist_mlflow/py.typed" in expected  # without it type checkers take all for Any
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == expected


@pytest.mark.slow
def test_the_wheel_says_what_the_project_says(wheel: zipfile.ZipFile) -> None:
    about = metadata(wheel)
    assert (about["Name"], about["Version"]) == ("mnist-mlflow", mnist_mlflow.__version__)
    assert about["License-Expression"] == "MIT"
    needed = [Requirement(text) for text in about.get_all("Requires-Dist") or []]
    without_extras = {str(one) for one in needed if "extra" not in str(one.marker)}
    assert without_extras == {str(Requirement(text)) for text in PROJECT["dependencies"]}
    assert set(about.get_all("Provides-Extra") or []) == PROJECT["optional-dependencies"].keys()
    entry_points = wheel.read(f"mnist_mlflow-{mnist_mlflow.__version__}.dist-info/entry_points.txt").decode()
    assert "mnist-mlflow = mnist_mlflow.cli.commands:main" in entry_points


def test_the_version_stands_in_one_place_and_in_the_changelog() -> None:
    assert PROJECT["dynamic"] == ["version"]
    assert "version" not in PROJECT
    assert newest_version() == mnist_mlflow.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert changelog.index("## [Unreleased]") < changelog.index(f"## [{newest_version()}] - ")


@pytest.mark.parametrize(
    ("version", "changes", "reason"),
    [("0.0.9", b"", "0.0.9 has no dated heading in CHANGELOG.md"), ("", b" M README.md", "Commit these first")],
)
def test_a_release_is_of_a_commit_that_the_changelog_describes(
    version: str, changes: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist_mlflow, "__version__", version or mnist_mlflow.__version__)
    monkeypatch.setattr(release, "git", lambda *words: changes)
    with pytest.raises(SystemExit, match=reason):
        release.main()


def test_a_release_is_tried_as_a_newcomer_types() -> None:
    typed = [" ".join(words[:4]) for words, _ in COMMANDS]
    assert {"mnist-mlflow --help", "mnist-mlflow knn --data digits", "mnist-mlflow select --data digits"} <= {*typed}
