"""A disk that is full when a training has its result."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, place_store
from tests.search.test_cores import can_mount

ROOM = 1_500_000  # bytes, beside the store: the model takes more
SCRIPT = "mount -t tmpfs -o size={size} none {folder} && cp {store} {folder} && exec {python} -m mnist_mlflow {words}"


@pytest.mark.skipif(not can_mount, reason="needs the right to mount")
def test_a_result_that_a_full_disk_does_not_take_is_kept_elsewhere_and_told_in_a_line(
    new_store: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "full"
    folder.mkdir()
    store = place_store(new_store, folder).rename(tmp_path / "mlflow.db")
    script = SCRIPT.format(
        size=store.stat().st_size + ROOM,
        folder=folder,
        store=store,
        python=sys.executable,
        words="forest --data=digits --train_size=500 --n_estimators=300",
    )
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    command = ["unshare", "-m", "sh", "-c", script]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    kept = re.search(r"Nothing is lost: the result is kept in (\S+)\. ", line)
    assert kept, done.stderr
    try:
        assert (Path(kept[1]) / "digit_model.zip").is_file()
        assert "Traceback" not in done.stderr
    finally:
        shutil.rmtree(kept[1])
