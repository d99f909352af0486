"""The MLflow UI on a store, as `python -m mnist_mlflow ui` starts it, and a browser window on it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from benchmarks.process import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
START = 120  # seconds
PATIENCE = 30_000  # milliseconds that an element may take to appear
QUIET = 15_000  # milliseconds to wait for a moment without requests
WIDTHS = {1500: 900, 1100: 800}  # of windows, with their heights
# A newcomer's browser remembers nothing, but that MLflow's assistant, which opens by itself, was closed: no option of
# the server keeps it shut. MLflow's telemetry is a worker whose script, asked for here, would seem to load for ever.
NEWCOMER = """
localStorage.clear();
localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true');
delete window.SharedWorker;
"""
IN_ROWS = "cells => cells.map(cell => [Number(cell.closest('[row-index]').getAttribute('row-index')), cell.innerText])"
ADDRESS = re.compile(r"^(.+): (http://\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Ui:
    """The UI of a store: the addresses that `ui` has printed, by the names of the experiments."""

    address: str
    landings: dict[str, str]


@contextlib.contextmanager
def started_ui(store: str, folder: Path) -> Iterator[Ui]:
    """The UI of a store, with all its processes, as long as this lasts."""
    with started(store, "ui", folder) as address:
        yield Ui(address, dict(ADDRESS.findall((folder / "ui.txt").read_text())))


@contextlib.contextmanager
def started(store: str, command: str, folder: Path) -> Iterator[str]:
    """The address of a server that a command starts on a store, as long as this lasts; it prints into the folder."""
    port, printed = free_port(), folder / f"{command}.txt"
    environment = {**os.environ, "MLFLOW_TRACKING_URI": store}
    words = [sys.executable, "-m", "mnist_mlflow", command, "--port", str(port)]
    with (
        printed.open("w") as output,
        subprocess.Popen(words, env=environment, stdout=output, stderr=output, start_new_session=True) as process,
    ):
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address, process)
            yield address
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START
    while True:
        assert process.poll() is None, "the server has ended"
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{address}/health", timeout=5).ok:
                return
        assert time.monotonic() < end, "the server does not answer"
        time.sleep(0.2)


@contextlib.contextmanager
def opened_browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Screen:
    """A window on the UI as a newcomer sees it. It keeps the scripts of the UI, which take seconds to load."""

    def __init__(self, browser: Browser, ui: Ui, width: int, height: int = 0) -> None:
        self.ui = ui
        self.page: Page = browser.new_page(viewport={"width": width, "height": height or WIDTHS[width]})
        self.page.set_default_timeout(PATIENCE)
        self.page.add_init_script(NEWCOMER)
        self.page.route(lambda url: not url.startswith(ui.address), lambda route: route.abort())  # nothing from outside

    def open(self, address: str) -> None:
        """Open an address, whole or from `#` on, and wait until nothing loads any more."""
        self.page.goto("about:blank")  # else a change behind `#` alone would load nothing
        self.page.goto(address if address.startswith("http") else f"{self.ui.address}/{address}")
        self.settle()

    def settle(self) -> None:
        """Wait until nothing loads any more, or for a while: some pages ask for news again and again."""
        from playwright.sync_api import TimeoutError as StillLoadingError

        with contextlib.suppress(StillLoadingError):
            self.page.wait_for_load_state("networkidle", timeout=QUIET)
        self.page.wait_for_timeout(500)  # what was loaded is drawn

    def save(self, path: Path) -> None:
        """Keep a picture of the window."""
        self.page.screenshot(path=path)

    def column(self, name: str) -> list[str]:
        """The cells of a column of the runs, from the top."""
        return self._by_row(self.page.locator(f'[role="gridcell"][col-id="{name}"]'))

    def names(self) -> list[str]:
        """The names of the runs in a list, from the top."""
        return self._by_row(self.page.locator('[role="gridcell"] a[href*="/runs/"]'))

    def _by_row(self, cells: Locator) -> list[str]:
        cells.first.wait_for()
        rows = cells.evaluate_all(IN_ROWS)
        return [text for _, text in sorted(rows)]
