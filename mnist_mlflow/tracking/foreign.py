"""Foreign models: those whose travelling code is not the code that runs here. Each is asked in a process of its own.

Where this project is imported, Python would load them with the code of today, which may not know their files.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mnist_mlflow.errors import MissingLibraryError, UserFacingError
from mnist_mlflow.processes import variables_now
from mnist_mlflow.types import PROBABILITY_COLUMNS, Images, Probabilities

if TYPE_CHECKING:
    import pandas as pd

SCRIPT = Path(__file__).with_name("_foreign_process.py")
PATIENCE = 10  # seconds for the process to end
LIMIT = 600  # seconds for an answer
# The process has nothing to do with the run and the store of this one.
NOT_INHERITED = ("MLFLOW_RUN_ID", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME")


class ForeignModel:
    """A model in a process of its own, by the code that travels with it. The process ends with this object."""

    def __init__(self, model_uri: str, files: Path) -> None:
        self.model_uri = model_uri
        environment = {name: value for name, value in variables_now().items() if name not in NOT_INHERITED}
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(SCRIPT), str(files)],  # -P: without the folder of the script in the path
            cwd=self._folder.name,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        weakref.finalize(self, _end, self._process, self._folder)
        self._answer()  # the model has loaded

    def __call__(self, images: Images) -> Probabilities:
        """Probabilities (n, 10) of images (n, 28, 28); raises UserFacingError when the model does not predict."""
        probabilities: Probabilities = self.table(images)[PROBABILITY_COLUMNS].to_numpy()
        return probabilities

    def table(self, images: Images) -> pd.DataFrame:
        """All that the model says of images (n, 28, 28), a row for each; other code may have other columns."""
        table, _ = self._ask(images)
        return table

    def seconds(self, images: Images) -> float:
        """The seconds of a prediction, as the process itself measures them."""
        _, seconds = self._ask(images)
        return seconds

    def _ask(self, images: Images) -> tuple[pd.DataFrame, float]:
        import pandas as pd

        question_file, answer_file = (Path(self._folder.name) / name for name in ("images.npy", "table.npz"))
        np.save(question_file, images)
        question = {"images": str(question_file), "table": str(answer_file), "columns": PROBABILITY_COLUMNS}
        seconds = self._answer(json.dumps(question))
        with np.load(answer_file) as columns:
            return pd.DataFrame(dict(columns)), seconds

    def _answer(self, question: str = "") -> float:
        with contextlib.suppress(BrokenPipeError):
            if question:
                print(question, file=self._process.stdin, flush=True)
        line = self._read_line()
        if not line:
            raise UserFacingError(f"The model {self.model_uri} cannot be asked: its process has ended.")
        answer = json.loads(line)
        if "error" in answer:
            by = "by the code that travels with it, which is another than today's"
            kind = MissingLibraryError if answer["is_missing"] else UserFacingError
            raise kind(f"The model {self.model_uri} cannot be asked {by}: {answer['error']}")
        return float(answer["seconds"])

    def _read_line(self) -> str:
        """The next line, or nothing from a process that has ended, or is killed because it does not answer."""
        assert self._process.stdout is not None
        watchdog = threading.Timer(LIMIT, self._process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            return self._process.stdout.readline()
        finally:
            watchdog.cancel()


def _end(process: subprocess.Popen[str], folder: tempfile.TemporaryDirectory[str]) -> None:
    """End a process, which does so when its input does, and remove its folder."""
    with process:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
    folder.cleanup()
