"""Screenshots of the MLflow UI for the documents: `python -m tests.browser STORE FOLDER`. tests.shots makes all.

STORE is the address of a store of SQLite with a champion, and a search in `mnist-digits`: `make run`, then
`python -m mnist_mlflow svm --trials 30`. Then `python -m tests.browser sqlite:///mlflow.db docs`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import mlflow

from mnist_mlflow.protocol import EXPERIMENT
from mnist_mlflow.tracking import views
from tests.browser.screen import Screen, opened_browser, started_ui

WIDTH = 1500
HEIGHTS = {"runs": 690, "curves": 800, "search": 640, "registry": 648}  # which leave no row half shown, nor an axis out

ROW = '[role="gridcell"] a[href*="/runs/"]'
SHOWN = {"runs": ROW, "curves": ".scatterlayer path.js-line", "search": ROW, "registry": "td"}  # last of all


def addresses(client: mlflow.MlflowClient) -> dict[str, str]:
    """The pages to show, by the names of their pictures."""
    place = client.get_experiment_by_name(EXPERIMENT).experiment_id
    version = client.get_model_version_by_alias("mnist-digits", "champion").version
    registry = f"#/models/mnist-digits/versions/{version}?workflowType=machine_learning"
    return {
        "runs": views.MODELS.path(place),
        "curves": views.CURVES.path(place),
        "search": views.TRIALS.path(place),
        "registry": registry,
    }


def main(store: str, folder: Path) -> None:
    """Make the screenshots."""
    pages = addresses(mlflow.MlflowClient(store))
    with tempfile.TemporaryDirectory() as scratch, started_ui(store, Path(scratch)) as ui, opened_browser() as browser:
        for name, address in pages.items():
            screen = Screen(browser, ui, WIDTH, HEIGHTS[name])
            screen.open(address)
            screen.page.locator(SHOWN[name]).first.wait_for()
            screen.settle()
            screen.save(folder / f"{name}.png")
            print(folder / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
