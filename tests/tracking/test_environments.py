"""Environments: recorded, and built by a uv that says what it was asked for."""

import json
import os
from pathlib import Path

import pytest

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.tracking.environments import THREADS, build_environment, thread_arguments, write_environment

UV = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/asked"
case "$*" in
    *"$REFUSED"*)
        printf 'error: No solution:\\n  cause: Because there is no\\n    version of it.\\n\\nhint: x\\n' >&2
        exit 1;;
esac
"""
PACKAGES = {"numpy": "2.4.6", "mnist-mlflow": "0.1.0", "torch": "2.0+cpu"}


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A uv that does nothing, and refuses what REFUSED names."""
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir()
    program.write_text(UV)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("REFUSED", "nothing")
    return program


def test_the_recorded_versions_are_installed_as_they_are_and_without_this_project(uv: Path, tmp_path: Path) -> None:
    folder = tmp_path / "environment"
    python = build_environment(PACKAGES, "3.11.7", folder)
    assert python == f"{folder}/bin/python"
    assert (uv.parent / "asked").read_text().splitlines() == [
        f"venv --quiet --python 3.11.7 {folder}",
        f"pip install --quiet --no-deps --python {python} -r {folder}.txt",
    ]
    assert (tmp_path / "environment.txt").read_text() == "numpy==2.4.6\ntorch==2.0+cpu\n"


@pytest.mark.parametrize("refused", ["venv", "pip install"])
def test_what_cannot_be_had_is_told_in_the_words_of_uv(
    refused: str, uv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFUSED", refused)
    message = r"cannot be built: Because there is no version of it\. Type: env=here"
    with pytest.raises(UserFacingError, match=message):
        build_environment(PACKAGES, "3.11.7", tmp_path / "environment")


@pytest.mark.parametrize(
    ("packages", "python"),
    [
        ({}, "3.11.7"),
        (PACKAGES, ""),
        (PACKAGES, "3.11 --evil"),
        ({"--index-url http://example.org\nx": "1"}, "3.11.7"),
        ({"x": "1 @ http://example.org"}, "3.11.7"),
    ],
)
def test_a_record_that_is_gone_or_damaged_is_given_to_nobody(
    packages: dict[str, str], python: str, uv: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserFacingError, match=r"gone or damaged: .* env=here"):
        build_environment(packages, python, tmp_path / "environment")
    assert not (uv.parent / "asked").exists()


def test_without_uv_the_way_to_get_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserFacingError, match=r"Type: pip install uv, .* env=here"):
        build_environment(PACKAGES, "3.11.7", tmp_path / "environment")


def test_the_environment_names_versions(tmp_path: Path) -> None:
    write_environment(tmp_path / "environment")
    assert "mlflow==" in (tmp_path / "environment" / "requirements.txt").read_text()
    assert '"cores"' in (tmp_path / "environment" / "machine.json").read_text()


def test_a_library_that_is_installed_between_two_runs_is_in_the_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    monkeypatch.syspath_prepend(libraries)
    metadata = libraries / "late-1.0.dist-info" / "METADATA"
    for run, found in enumerate((False, True)):
        if found:
            metadata.parent.mkdir()
            metadata.write_text("Metadata-Version: 2.1\nName: late\nVersion: 1.0\n")
        write_environment(tmp_path / str(run))
        assert ("late==1.0" in (tmp_path / str(run) / "requirements.txt").read_text().splitlines()) == found


def test_the_machine_is_told_with_what_decides_about_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("TF_TOKEN", "secret")
    write_environment(tmp_path / "environment")
    machine = json.loads((tmp_path / "environment" / "machine.json").read_text())
    assert machine["OMP_NUM_THREADS"] == "1"
    assert machine["processor"]
    assert "TF_TOKEN" not in machine


def test_the_threads_of_a_recorded_machine_are_told_as_arguments_of_env(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in filter(THREADS.fullmatch, list(os.environ)):
        monkeypatch.delenv(name)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert thread_arguments({"cores": "2", "OMP_NUM_THREADS": "2"}) == []
    assert thread_arguments({"MKL_NUM_THREADS": "1"}) == ["-u OMP_NUM_THREADS", "MKL_NUM_THREADS=1"]
    assert thread_arguments({"OMP_NUM_THREADS": "1; rm"}) == ["OMP_NUM_THREADS='1; rm'"]
