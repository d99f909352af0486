"""A store with models of all algorithms, their search, selection and report; and windows of two widths on its UI."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import mlflow
import pytest
from filelock import FileLock

from tests.browser.screen import CHROMIUM, WIDTHS, Screen, Ui, opened_browser, started_ui
from tests.browser.store import fill

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CAN_BROWSE = CHROMIUM is not None and find_spec("playwright") is not None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `make browser` runs, and those that cannot be run here."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")
            item.add_marker("slow")
            item.add_marker(pytest.mark.skipif(not CAN_BROWSE, reason="needs Chromium and playwright"))


@pytest.fixture(scope="session")
def filled_store(shared: Path) -> str:
    """The address of the store, which all workers share."""
    folder = shared / "browser-store"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            folder.mkdir()
            fill(f"sqlite:///{folder}/mlflow.db")
    return f"sqlite:///{folder}/mlflow.db"


@pytest.fixture(scope="session")
def ui(filled_store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    with started_ui(filled_store, tmp_path_factory.mktemp("ui")) as started:
        yield started


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with opened_browser() as browser:
        yield browser


@pytest.fixture(scope="session", params=WIDTHS)
def screen(request: pytest.FixtureRequest, browser: Browser, ui: Ui) -> Iterator[Screen]:
    """A window of each width on the UI."""
    screen = Screen(browser, ui, request.param)
    yield screen
    screen.page.context.close()


@pytest.fixture
def client(filled_store: str) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(filled_store)
