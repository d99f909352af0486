"""Passwords of addresses are shown and stored nowhere."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import mlflow
import pytest

from benchmarks.measure.postgresql import is_installed, postgresql
from mnist_mlflow.algorithms import knn
from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.search.studies import open_storage
from tests.conftest import ROOT, start_python

Command = Callable[..., tuple[int, str, str]]
PASSWORD = "se%40cret" * 2  # or it would stand in the diff of the uncommitted changes


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address, with a password, of a store that a PostgreSQL keeps; it takes any password."""
    if not is_installed():
        pytest.skip("PostgreSQL's server is not installed: apt-get install postgresql")
    monkeypatch.chdir(tmp_path)  # where a new store puts its artifacts
    with postgresql() as server:
        with_password = server.replace("tester@", f"tester:{PASSWORD}@")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", with_password)
        yield with_password
        mlflow.set_tracking_uri(None)


def files_below(folder: Path) -> str:
    return "\n".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())


def test_a_champion_is_chosen_and_a_run_fails_without_a_word_of_the_password(
    address: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = [command("select", "--data=digits"), command("ensemble", "--data=digits")]
    printed += [command("knn", "--data=digits", "--train_size=200"), command("select", "--data=digits")]
    assert [status for status, *_ in printed] == [1, 1, 0, 0]

    def fail(*arguments: object) -> NoReturn:
        logging.getLogger("mnist_mlflow").warning("Connected to %s", address)
        raise OSError(f"connection to {address} failed")

    monkeypatch.setattr(knn, "fit", fail)
    printed.append(command("knn", "--data=digits", "--train_size=200"))
    printed.append(command("knn", f"--data={address}"))
    assert [status for status, *_ in printed[4:]] == [1, 2]
    shown = "\n".join(output + errors for _, output, errors in printed)
    assert "postgresql://tester:***@" in shown
    runs = mlflow.MlflowClient().search_runs(["0"])
    assert f"OSError: connection to {address.replace(PASSWORD, '***')} failed" in str([run.data.tags for run in runs])
    stored = "\n".join(str(run.to_dictionary()) for run in runs) + files_below(tmp_path)
    assert "failure.txt" in {path.name for path in tmp_path.rglob("*.txt")}
    assert PASSWORD not in shown + stored


def test_errors_of_libraries_and_of_studies_name_no_password() -> None:
    assert one_line(OSError("no http://me:secret@host?token=secret")) == "OSError: no http://me:***@host?token=***"
    for address in ("postgresql://me:secret@127.0.0.1:9/studies", "nosuch://me:secret@host/studies"):
        with pytest.raises(UserFacingError, match=r"storage of studies \w+://me:\*\*\*@") as caught:
            open_storage(address)
        assert "secret" not in str(caught.value)


def test_the_traceback_of_a_mistake_names_no_password(tmp_path: Path) -> None:
    code = """if True:
        from mnist_mlflow.cli import commands
        def fail(**options): raise RuntimeError("no http://me:secret@host")
        commands.commands.main = fail
        commands.main()"""
    process = start_python(code, tmp_path, PYTHONPATH=str(ROOT))
    try:
        _, errors = process.communicate(timeout=200)
    finally:
        process.kill()
    assert errors.splitlines()[-1] == "RuntimeError: no http://me:***@host"
    assert errors.startswith("Traceback")
    assert process.returncode == 1
