"""All pictures of the documents: `python -m tests.shots STORE FOLDER`; nothing is written into the store.

STORE is the address of a store of SQLite with a champion, runs of all algorithms, and a search of svm, all in
`mnist-digits`: `make run`, then `python -m mnist_mlflow svm --trials 30`. Then:

    python -m tests.shots sqlite:///mlflow.db docs

`python -m tests.browser` makes those of the MLflow UI alone.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import mlflow
import numpy as np
from PIL import Image

from mnist_mlflow.data import load_dataset
from mnist_mlflow.data.pages.files import Page
from mnist_mlflow.data.pages.finding import find_digits
from mnist_mlflow.evaluation.drawing import as_png
from mnist_mlflow.evaluation.robustness_plots import draw_samples
from mnist_mlflow.protocol import REGISTERED_MODEL
from mnist_mlflow.reports.comparison import compare
from mnist_mlflow.reports.comparison_page import comparison_page
from mnist_mlflow.reports.framed import framed
from mnist_mlflow.reports.page import champion_page
from mnist_mlflow.reports.readings import page_table, row_texts
from mnist_mlflow.tracking.named_sides import find_sides
from mnist_mlflow.tracking.readers import load_reader
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.results import read_file
from mnist_mlflow.tracking.sides import read_side
from mnist_mlflow.tracking.store import connect, project_root
from tests import pages
from tests.browser import __main__ as ui
from tests.browser.screen import opened_browser, started

if TYPE_CHECKING:
    from playwright.sync_api import Browser

COMPARED = ("svm", "knn")
AROUND = np.linspace(3.4, -0.6, 20)  # radians of the bow of a 2; its line is in per cent of the paper
TWO = [
    *zip(49 + 18 * np.cos(AROUND), 33 - 18 * np.sin(AROUND), strict=True),
    *((32 + right, 79 - 1.5 * np.sin(right / 7)) for right in range(0, 43, 3)),
]


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


def written_pages(client: mlflow.MlflowClient) -> Iterator[tuple[str, str]]:
    """The pages by their names, as `report` and `compare` write them."""
    yield "report", champion_page(Registry(client))
    names = [newest(client, f"tags.algorithm = '{one}' and params.trials = '0'").info.run_id for one in COMPARED]
    sides = [read_side(side) for side in find_sides(client, names, "mnist-digits")]
    images = {sides[0].images: load_dataset("auto").validation.images}
    title = f"Comparison of {', '.join(side.label for side in sides)}"
    yield "compare", comparison_page(compare(sides, project_root()), title, images, [])


def stills(client: mlflow.MlflowClient) -> Iterator[tuple[str, bytes]]:
    """The pictures by their names that a run holds, or would hold."""
    search = newest(client, "tags.study != '' and tags.algorithm = 'svm'")
    yield "study", read_file(search.info.artifact_uri, "search/slices.png")
    samples = draw_samples(load_dataset("auto").validation.images[0], "a validation image, at the strengths 1 to 3")
    yield "corruptions", as_png(samples)
    yield "read", read_page()


def read_page() -> bytes:
    """The page of tests.pages, as `read` draws it, in 256 colours: a fifth of the bytes."""
    sheet, reader = pages.photographed(), load_reader("champion", REGISTERED_MODEL)
    places = find_digits(sheet)
    readings = reader.digits.read([place.picture for place in places])
    table = page_table(Page("page.png", 1, sheet), places, readings)
    buffer, png = io.BytesIO(), framed(sheet, places, readings, "page.png", row_texts(table))
    with Image.open(io.BytesIO(png)) as image:
        image.quantize(256, Image.Quantize.FASTOCTREE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def shoot(browser: Browser, page: Path, window: Window, picture: Path) -> None:
    """Keep a picture of a page in a window of Chromium."""
    size = {"width": window.width, "height": window.height}
    tab = browser.new_page(viewport=size, color_scheme=window.scheme)  # type: ignore[arg-type]
    tab.goto(f"{page.as_uri()}{window.part}")
    tab.screenshot(path=picture)
    tab.close()


def draw_two(browser: Browser, address: str, picture: Path) -> None:
    """Keep a picture of the page that `serve` shows, after a 2 was drawn on it."""
    tab = browser.new_page(viewport={"width": 1000, "height": 640})
    tab.goto(address)
    box = tab.locator("#paper").bounding_box()
    assert box is not None, "the page shows no paper"
    points = [(box["x"] + x * box["width"] / 100, box["y"] + y * box["height"] / 100) for x, y in TWO]
    tab.mouse.move(*points[0])
    tab.mouse.down()
    for point in points[1:]:
        tab.mouse.move(*point, steps=5)
    tab.mouse.up()
    tab.get_by_text("This is a 2").first.wait_for()
    tab.wait_for_timeout(500)  # bars grow
    tab.screenshot(path=picture)
    tab.close()


def main(store: str, folder: Path) -> None:
    """Make all pictures."""
    os.environ["MLFLOW_TRACKING_URI"] = store
    client = connect()
    for name, png in stills(client):
        (folder / f"{name}.png").write_bytes(png)
    with tempfile.TemporaryDirectory() as scratch:
        for name, page in written_pages(client):
            (Path(scratch) / f"{name}.html").write_text(page, encoding="utf-8")
        with opened_browser() as browser, started(store, "serve", Path(scratch)) as address:
            draw_two(browser, address, folder / "serve.png")
            for name, window in WINDOWS.items():
                shoot(browser, Path(scratch) / f"{window.page}.html", window, folder / f"{name}.png")
    ui.main(store, folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).resolve())
