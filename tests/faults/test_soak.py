"""The short form of `make soak`."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
KILLS = 10


def test_kills_at_random_moments_lose_nothing() -> None:
    words = [sys.executable, "-m", "tests.soak", f"--kills={KILLS}", "--seed=0"]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        printed, _ = process.communicate(timeout=550)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert process.returncode == 0, printed
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines() if line[0] == "|"]
    assert [row[0] for row in rows[2:]] == ["training", "search", "selection", "download", "recover", "all"], printed
    assert (rows[-1][1], *rows[-1][5:7]) == (str(KILLS), "0", "0")
    assert re.fullmatch(r"\d+ s", rows[-1][7])
