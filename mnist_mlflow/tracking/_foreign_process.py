"""The process of a foreign model, a script: of this project it imports what travels with the model alone.

MLflow puts that first in the path of Python; nothing of this project is imported before.
Each line of its input is a JSON object with the names of two files. Its answer is the seconds of the prediction.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, TextIO


def main(model: str) -> None:
    """Load a model, then predict as long as somebody asks."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # libraries may print
    try:
        _answer_all(model, answers)
    except Exception as error:  # the model's code is a user's, and may raise anything
        lines, is_missing = str(error).splitlines() or [""], isinstance(error, ImportError)  # a library
        _tell(answers, {"error": f"{type(error).__name__}: {lines[0]}", "is_missing": is_missing})


def _answer_all(model: str, answers: TextIO) -> None:
    import mlflow
    import numpy as np

    loaded = mlflow.pyfunc.load_model(model)
    _tell(answers, {"seconds": 0})
    for line in sys.stdin:
        question = json.loads(line)
        images = np.load(question["images"])
        started = time.perf_counter()
        table = loaded.predict(images)
        seconds = time.perf_counter() - started
        table[question["columns"]]  # an error if one is missing
        columns = {name: table[name].to_numpy() for name in table}
        # Texts are objects in pandas, which NumPy keeps as pickles alone.
        plain = {name: cells.astype(str) if cells.dtype == object else cells for name, cells in columns.items()}
        np.savez(question["table"], **plain)
        _tell(answers, {"seconds": seconds})


def _tell(answers: TextIO, content: dict[str, Any]) -> None:
    print(json.dumps(content), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
