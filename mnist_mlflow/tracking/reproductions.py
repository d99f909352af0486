"""Reproductions of a run in the store: the runs that made it again, tied to it by tags both ways."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from mlflow.exceptions import MlflowException

from mnist_mlflow.errors import one_line
from mnist_mlflow.tracking.candidates import REPRODUCES
from mnist_mlflow.tracking.queries import RUN_ID, search_runs
from mnist_mlflow.tracking.servers import REFUSED
from mnist_mlflow.tracking.store import Client

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reproduced:
    """A reproduction: the run that holds it, its verdict, who made it, and its start, in ms since the epoch."""

    run_id: str
    verdict: str
    user: str
    time_ms: int


def tag_original(client: Client, original: str, run_id: str, verdict: str) -> None:
    """Write the verdict of a reproduction, in a tag of its own, into the run that was made again.

    That may be somebody else's, to look at alone: then a warning says so.
    """
    try:
        client.set_tag(original, f"reproduction.{run_id}", verdict)
    except MlflowException as error:
        reason = "your account may only read it" if error.error_code == REFUSED else one_line(error)
        _logger.warning("Run %s does not name its reproduction, since it takes no tag: %s", original, reason)


def find_reproductions(client: Client, original: str) -> list[Reproduced]:
    """The reproductions of a run that have a verdict, the oldest first.

    Whatever their status: `mlflow run` calls a run FAILED that found a different model, by its exit status.
    """
    if not RUN_ID.fullmatch(original):
        return []
    condition = f"tags.{REPRODUCES} = '{original}' and tags.verdict LIKE '%'"
    runs = [(run.info, run.data.tags) for run in search_runs(client, condition)]
    return [
        Reproduced(info.run_id, tags["verdict"], tags.get("mlflow.user", ""), info.start_time) for info, tags in runs
    ]
