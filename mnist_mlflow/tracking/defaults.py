"""MLflow's variables where nobody has set them: quiet, and patient with a server that restarts."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

MLFLOW_DEFAULTS = {
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",  # a bar for each file, which stays; ours go
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "8",  # over six minutes, for a server that restarts: MLflow's 7 are four
}


def set_defaults() -> None:
    """Set the variables in a program of ours."""
    for variable, value in MLFLOW_DEFAULTS.items():
        os.environ.setdefault(variable, value)


@contextlib.contextmanager
def defaults_for_now() -> Iterator[None]:
    """Set the variables in a program of somebody else, as long as this lasts."""
    absent = MLFLOW_DEFAULTS.keys() - os.environ.keys()
    try:
        set_defaults()
        yield
    finally:
        for variable in absent:
            os.environ.pop(variable, None)
