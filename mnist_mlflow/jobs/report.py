"""Write what the store holds about the champion as a page of HTML that needs nothing else.

On it are the model card and the leaderboard.

    mlflow run . -e report --env-manager local
"""

from __future__ import annotations

from pathlib import Path

from mnist_mlflow.jobs.outputs import check_out
from mnist_mlflow.parameters import parameters, path
from mnist_mlflow.protocol import Names
from mnist_mlflow.reports.page import champion_page
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.types import Progress


@parameters
class Params(Names):
    """Options of `report`."""

    out: Path = path("report.html", "the file to write")


def run(params: Params, progress: Progress) -> Path:
    """Write the page into a file, and log it in a run of its own; returns the file's path.

    Raises UserFacingError when there is no champion, or when what its selection logged cannot be read.
    """
    out = check_out(params.out, "report.html")
    with open_run("report", {"role": "report"}, params.experiment) as run:
        page = champion_page(Registry(run.client, params))
        out.write_text(page, encoding="utf-8")
        with run.files() as folder:
            (folder / "report.html").write_text(page, encoding="utf-8")
        return out
