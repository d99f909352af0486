"""Notebooks: `python -m tests.notebooks` runs all of them on the project's store, and keeps what they show.

A notebook is a file of plain Python, which jupytext pairs with the .ipynb of the same name. Names say which to run.
"""

from __future__ import annotations

import base64
import io
import os
import sys
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "notebooks").glob("*.py"))
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
COLOURS = 32  # of a kept picture, which makes it a quarter as large
LIMIT = 60  # seconds, after which a cell hangs


def execute(source: Path) -> None:
    """Run a notebook from its first cell to its last, and write the .ipynb with what it shows."""
    import jupytext
    from nbclient import NotebookClient

    notebook = jupytext.read(source)
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    options: dict[str, Any] = {"record_timing": False, "coalesce_streams": True, "timeout": LIMIT}
    options["extra_arguments"] = ["--IPKernelApp.log_level=40"]  # errors alone
    NotebookClient(notebook, resources={"metadata": {"path": str(source.parent)}}, **options).execute()
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"  # not by chance
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = _smaller(output.data["image/png"])
    jupytext.write(notebook, source.with_suffix(".ipynb"))


def _smaller(picture: str) -> str:
    """A PNG file in base64 with fewer colours."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
        image.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


if __name__ == "__main__":
    # What is no part of the story: bars of progress, and that they could be prettier.
    os.environ |= {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "PYTHONWARNINGS": "ignore:IProgress not found"}
    for one in SOURCES:
        if not sys.argv[1:] or one.stem in sys.argv[1:]:
            print(one.stem, flush=True)
            execute(one)
