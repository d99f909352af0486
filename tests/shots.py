"""Pictures of our pages for the documents: `python -m tests.shots STORE FOLDER`; nothing is written into the store.

STORE is the address of a store with a champion, a run of svm, one of knn, and a search: `make run`, then
`mlflow run . -e svm --env-manager local -P trials=30`. Then `python -m tests.shots sqlite:///mlflow.db docs`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import mlflow

from mnist_mlflow.data import load_dataset
from mnist_mlflow.evaluation.drawing import as_png
from mnist_mlflow.evaluation.robustness_plots import draw_samples
from mnist_mlflow.reports.comparison import compare
from mnist_mlflow.reports.comparison_page import comparison_page
from mnist_mlflow.reports.page import champion_page
from mnist_mlflow.tracking.named_sides import find_sides
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.results import read_file
from mnist_mlflow.tracking.sides import read_side
from mnist_mlflow.tracking.store import open_store, project_root
from tests.browser.screen import opened_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser

COMPARED = ("svm", "knn")


class Window(NamedTuple):
    """A window of the browser: the page that it shows, its pixels, its colours, and the part of the page."""

    page: str
    width: int
    height: int
    scheme: str = "light"
    part: str = ""


WINDOWS = {
    "report": Window("report", 1200, 900),
    "report-phone": Window("report", 390, 844, "dark"),
    "compare": Window("compare", 1200, 900),
    "compare-phone": Window("compare", 390, 844, part="#images"),
}


def newest(client: mlflow.MlflowClient, condition: str) -> mlflow.entities.Run:
    """The newest run of training that finished and meets a condition."""
    everywhere = [experiment.experiment_id for experiment in client.search_experiments()]
    query = f"attributes.status = 'FINISHED' and tags.role = 'model' and {condition}"
    return client.search_runs(everywhere, query, max_results=1, order_by=["start_time DESC"])[0]


def pages(client: mlflow.MlflowClient) -> Iterator[tuple[str, str]]:
    """The pages by their names, as `report` and `compare` write them."""
    yield "report", champion_page(Registry(client))
    names = [newest(client, f"tags.algorithm = '{algorithm}'").info.run_id for algorithm in COMPARED]
    sides = [read_side(side) for side in find_sides(client, names, "mnist-digits")]
    images = {sides[0].images: load_dataset("auto").validation.images}
    title = f"Comparison of {', '.join(side.label for side in sides)}"
    yield "compare", comparison_page(compare(sides, project_root()), title, images, [])


def stills(client: mlflow.MlflowClient) -> Iterator[tuple[str, bytes]]:
    """The pictures by their names that a run holds, or would hold."""
    yield "study", read_file(newest(client, "tags.study != ''").info.artifact_uri, "search/slices.png")
    samples = draw_samples(load_dataset("auto").validation.images[0], "a validation image, at the strengths 1 to 3")
    yield "corruptions", as_png(samples)


def shoot(browser: Browser, page: Path, window: Window, picture: Path) -> None:
    """Keep a picture of a page in a window of Chromium."""
    size = {"width": window.width, "height": window.height}
    tab = browser.new_page(viewport=size, color_scheme=window.scheme)  # type: ignore[arg-type]
    tab.goto(f"{page.as_uri()}{window.part}")
    tab.screenshot(path=picture)
    tab.close()


def main(store: str, folder: Path) -> None:
    """Make all pictures."""
    client = open_store(store)
    for name, png in stills(client):
        (folder / f"{name}.png").write_bytes(png)
    with tempfile.TemporaryDirectory() as scratch:
        for name, page in pages(client):
            (Path(scratch) / f"{name}.html").write_text(page, encoding="utf-8")
        with opened_browser() as browser:
            for name, window in WINDOWS.items():
                shoot(browser, Path(scratch) / f"{window.page}.html", window, folder / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).resolve())
