"""What the terminal shows while work is in progress, and how lines fit it."""

import io
import logging
import re
from typing import Any

import pytest

from mnist_mlflow.cli import terminal
from mnist_mlflow.cli.terminal import Terminal, work_display
from mnist_mlflow.data import download
from mnist_mlflow.data.download import DownloadError, fetch

TEXT = "Words that go on. " * 10


def test_a_line_fits_a_terminal_and_stays_whole_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    for width, most in ((80, 80), (None, len(TEXT))):
        stream = io.StringIO()
        Terminal(stream, width).say(TEXT, hanging="    ")
        assert max(map(len, stream.getvalue().splitlines())) in range(most - 10, most + 1)


def test_a_pipe_to_a_terminal_of_known_width_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """So `main` tells the algorithms that it trains how much room their lines have."""
    monkeypatch.setenv("COLUMNS", "60")
    stream = io.StringIO()
    Terminal(stream).say(TEXT)
    assert max(map(len, stream.getvalue().splitlines())) <= 60


def test_text_is_shown_as_it_is() -> None:
    stream = io.StringIO()
    Terminal(stream, 80).say("a:100:b [red] \x1b[31m")
    assert stream.getvalue() == "a:100:b [red] \\x1b[31m\n"


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a terminal receives on stderr."""
    stream = io.StringIO()
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setattr(terminal, "err", Terminal(stream, 80))
    return stream


def test_a_download_that_fails_leaves_no_row(
    screen: io.StringIO, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.0)
    with work_display():
        nothing_left = screen.getvalue()
    with work_display() as progress:
        with pytest.raises(DownloadError):
            fetch(tmp_path / "digits.gz", ("http://127.0.0.1:9/",), lambda raw: None, progress)
        shown = screen.getvalue().removeprefix(nothing_left)
        assert "download digits.gz" in shown
        assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") > 0  # each display has stopped: the cursor is back
        progress("train", 0, 0)
        assert "download" not in screen.getvalue().removeprefix(nothing_left + shown)


def test_a_warning_stands_out_and_its_command_can_be_pasted(screen: io.StringIO) -> None:
    logger = logging.getLogger("mnist_mlflow.somewhere")
    with work_display():
        logger.info("It goes on.")
        logger.warning(
            "It is %s. Type: mlflow run . -e select --env-manager local -P registered_model=%s", "x", "y" * 40
        )
    lines = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue()).splitlines()
    assert lines[0] == "It goes on."
    assert "WARNING" in lines[1]
    assert "│" not in screen.getvalue()
    assert any(line.strip().startswith("python -m mnist_mlflow select") for line in lines)
