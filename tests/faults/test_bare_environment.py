"""Commands where nothing is set: no home, no name of the user, and a locale that knows no letters but ASCII."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from tests.conftest import ROOT, place_store

NOBODY = 12345  # a user without a name
# Python itself may lie in a folder of root's: what may read every file, and nothing else, is kept from root.
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
READING = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
can_change = (
    not subprocess.run([*AS_NOBODY, *READING, sys.executable, "-c", ""], check=False, capture_output=True).returncode
    if shutil.which("setpriv")
    else False
)


@pytest.fixture
def folder(new_store: Path) -> Iterator[Path]:
    """A folder with an empty store for nobody, who may not look into tmp_path."""
    with tempfile.TemporaryDirectory() as name:
        for path in (name, place_store(new_store, Path(name))):
            os.chown(path, NOBODY, NOBODY)
        yield Path(name)


COMMANDS = """
import sys
from mnist_mlflow.cli.commands import main
for typed in {commands}:
    sys.argv = ["mnist-mlflow", *typed]
    main()
"""


def typed(folder: Path, *commands: tuple[str, ...]) -> "subprocess.CompletedProcess[bytes]":
    """What came of commands that share a process."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONWARNDEFAULTENCODING": "1",
        "TMPDIR": str(folder),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
    }
    command = [*AS_NOBODY, *READING, sys.executable, "-c", COMMANDS.format(commands=commands)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)


@pytest.mark.skipif(os.getuid() != 0 or not can_change, reason="needs the right to become another user")
def test_a_small_run_needs_no_home_no_name_and_no_locale(folder: Path) -> None:
    small = ("--data", "digits", "--train_size", "200")
    done = typed(folder, ("main", "--algorithms", "knn", "--trials", "2", *small), ("report",))
    assert done.returncode == 0, done.stderr
    ours = [line for line in done.stderr.splitlines() if b"EncodingWarning" in line and b"mnist_mlflow/" in line]
    assert ours == []
    assert (folder / "report.html").read_text(encoding="utf-8")
    assert not (folder / "~").exists()
    client = mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db")
    assert client.get_model_version_by_alias("mnist-digits", "champion")
    places = [experiment.experiment_id for experiment in client.search_experiments()]
    assert {run.info.status for run in client.search_runs(places)} == {"FINISHED"}
