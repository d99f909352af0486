"""Upload the results that a store did not take; each is there once, whatever was uploaded before.

A training whose store went away meanwhile keeps its result, and names this command.

    python -m mnist_mlflow recover
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.parameters import parameters
from mnist_mlflow.tracking.parcels import sweep, unsent_parcels
from mnist_mlflow.tracking.sending import NotNowError, send_again
from mnist_mlflow.tracking.store import connect
from mnist_mlflow.types import Progress


@parameters
class Params:
    """Options of `recover`: none."""


@dataclass
class Recovery:
    """The runs that are complete now, and the reasons why others wait or have failed again."""

    complete: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def run(params: Params, progress: Progress) -> Recovery:
    """Upload all results that are kept for the store that is connected."""
    sweep()
    client, recovery, parcels = connect(), Recovery(), unsent_parcels()
    for number, folder in enumerate(parcels, 1):
        try:
            if run_id := send_again(client, folder):
                recovery.complete.append(run_id)
        except NotNowError as error:
            recovery.waiting.append(str(error))
        except UserFacingError as error:
            recovery.failed.append(str(error))
        progress("upload results", number, len(parcels))
    return recovery
