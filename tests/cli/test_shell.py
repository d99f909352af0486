"""Commands that are printed work in the shell where they are read."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_mlflow.cli.shell import INDENT, laid_out, pasteable, python_here, typed_here
from mnist_mlflow.protocol import command

WHERE = "metrics.val_accuracy > 0.9 and tags.a = 'b'"
RECORDED = command("select", {"where": WHERE, "rollback": True})
TYPED = f"python -m mnist_mlflow select --where={shlex.quote(WHERE)} --rollback=1"


def in_environment(patch: pytest.MonkeyPatch, prefix: Path, active: Path | None = None) -> None:
    patch.setattr(sys, "prefix", str(prefix))
    patch.setattr(sys, "executable", str(prefix / "bin" / "python"))
    patch.delenv("CONDA_PREFIX", raising=False)
    patch.delenv("VIRTUAL_ENV", raising=False)
    if active:
        patch.setenv("VIRTUAL_ENV", str(active))


def test_where_the_environment_is_active_it_is_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_environment(monkeypatch, tmp_path / ".venv", active=tmp_path / ".venv")
    assert typed_here(RECORDED) == TYPED
    assert typed_here("mlflow runs restore --run-id 1") == "mlflow runs restore --run-id 1"


def test_after_make_it_is_the_python_of_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make` has the environment on its own path, and leaves that of the shell as it is."""
    in_environment(monkeypatch, tmp_path / ".venv")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.base_exec_prefix)
    monkeypatch.setenv("PATH", str(tmp_path / ".venv" / "bin"))
    monkeypatch.chdir(tmp_path)
    assert typed_here(RECORDED) == TYPED.replace("python", ".venv/bin/python", 1)
    assert typed_here("python -m mnist_mlflow doctor --fix 1") == ".venv/bin/python -m mnist_mlflow doctor --fix 1"
    assert typed_here("A=b mlflow ui --workers 1") == "A=b .venv/bin/python -m mlflow ui --workers 1"
    assert typed_here('pip install "a[b]"') == '.venv/bin/python -m pip install "a[b]"'
    assert typed_here("mkdir -p data") == "mkdir -p data"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert python_here() == shlex.quote(f"{tmp_path}/.venv/bin/python")


def test_an_environment_that_mlflow_made_is_active_for_its_child_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "mlflow-0123"
    in_environment(monkeypatch, made, active=made)
    assert python_here() == f"{made}/bin/python"


def test_the_python_of_the_system_is_python_where_it_is_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_environment(monkeypatch, tmp_path)
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert python_here() == "python"
    monkeypatch.setenv("PATH", "/nowhere")
    assert python_here() == f"{tmp_path}/bin/python"


def test_a_command_of_another_form_stays_as_it_is() -> None:
    assert typed_here("mlflow run . -e knn --env-manager uv") == "mlflow run . -e knn --env-manager uv"


def test_a_message_keeps_its_lines_where_nobody_knows_the_width() -> None:
    text = f"It is gone. Choose another: {RECORDED}\n  run 1: `mlflow run .` was: never typed"
    assert laid_out(text) == [f"It is gone. Choose another: {TYPED}", "  run 1: `mlflow run .` was: never typed"]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_message_breaks_between_words_and_its_command_can_be_pasted(width: int) -> None:
    lines = laid_out(f"{'Some words. ' * 9}Type: {RECORDED}", width, hanging="  ")
    assert max(map(len, lines)) <= max(width, len(f"{INDENT * 2}--where={shlex.quote(WHERE)} \\"))
    start = lines.index(next(line for line in lines if "python -m" in line))
    assert " ".join(lines[:start]).split() == [*["Some", "words."] * 9, "Type:"]
    echoed = subprocess.run(
        ["bash", "-c", "printf '%s\\n' " + "\n".join(lines[start:]).lstrip()],
        capture_output=True,
        text=True,
        check=True,
    )
    assert echoed.stdout.splitlines() == shlex.split(TYPED)


def test_a_command_that_fits_is_one_line() -> None:
    assert pasteable("mlflow isn't a command", 12) == [
        "    mlflow \\",
        "        isn't \\",
        "        a \\",
        "        command",
    ]
    assert pasteable("python -m mnist_mlflow report", 80) == ["    python -m mnist_mlflow report"]
