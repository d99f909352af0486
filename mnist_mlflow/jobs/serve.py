"""Serve a model: a page that reads digits as you draw them, and MLflow's scoring protocol, in one process.

With --host 0.0.0.0 telephones in the same network reach it too. Ctrl-C ends it.

    python -m mnist_mlflow serve
"""

from __future__ import annotations

from mnist_mlflow.jobs.serving.app import build_app
from mnist_mlflow.jobs.serving.server import Service, listen
from mnist_mlflow.parameters import integer, parameters, text
from mnist_mlflow.protocol import ReaderOptions
from mnist_mlflow.tracking.readers import load_reader
from mnist_mlflow.types import Progress


@parameters
class Params(ReaderOptions):
    """Options of `serve`."""

    host: str = text(
        "127.0.0.1", r"[\w.:-]+", "a name or an address", "where it listens; 0.0.0.0: at all addresses of this machine"
    )
    port: int = integer(8000, 0, 65535, "the port; 0: any that is free")


def run(params: Params, progress: Progress) -> Service:
    """A server that listens and has loaded its model; raises UserFacingError where it cannot."""
    listener = listen(params.host, params.port)
    progress("load the model", 0, 0)
    reader = load_reader(params.model, params.registered_model)
    progress("load the model", 1, 1)
    return Service(build_app(reader, params.host, params.max_error), listener, reader.name)
