"""Put the previous champion back in one step, and say who did so and why."""

from __future__ import annotations

from dataclasses import dataclass

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.protocol import Names
from mnist_mlflow.selection.deciding import selection_tags
from mnist_mlflow.tracking.aliases import CHAMPION, ROLLED_BACK, or_none
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.models import load_model
from mnist_mlflow.tracking.permissions import check_may_change
from mnist_mlflow.tracking.queries import place_beside
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.signatures import APPLICATION, REASON, sign
from mnist_mlflow.tracking.store import connect, registry_lock


@dataclass(frozen=True)
class Rollback:
    """The version that is champion again, and the one that it replaces (empty if there was none), of a model."""

    model: str
    restored: str
    taken_back: str


def roll_back(names: Names, reason: str) -> Rollback:
    """Put the previous champion back, in a run of its own; raises UserFacingError when there is none."""
    client = connect()
    place = place_beside(client, names.experiment)
    with (
        open_run("select", selection_tags(), place, client, name="rollback") as run,
        registry_lock(names.registered_model),
    ):
        registry = Registry(run.client, names)
        run.log_params({"rollback": 1, "registered_model": names.registered_model, REASON: reason})
        if registry.state().is_registered:
            check_may_change(registry)
        change = registry.repair()
        if change and change.taken_back:  # a rollback that was killed, and is complete now: there is no second one
            restored, taken_back = change.aliases[CHAMPION] or "", change.taken_back
        else:
            _check_previous(registry)
            with registry.alone():
                restored, taken_back = registry.roll_back()
                signed = sign(run)
                registry.sign(restored, signed.facts(APPLICATION) | {REASON: reason})
                if taken_back:  # which may be gone
                    or_none(lambda: registry.sign(taken_back, {f"{ROLLED_BACK}_by": signed.by, REASON: reason}))
        run.set_tags({"champion_version": restored} | ({"rolled_back_version": taken_back} if taken_back else {}))
        return Rollback(registry.name, restored, taken_back)


def _check_previous(registry: Registry) -> None:
    """Raise UserFacingError unless the previous champion loads: a rollback is typed when the champion does not do."""
    uri = f"models:/{registry.name}/{registry.previous()}"
    try:
        load_model(uri)
    except UserFacingError as error:
        next_step = f"Nothing was changed. Choose another: {registry.names.command('select')}"
        raise UserFacingError(f"The previous champion cannot be put back: {error}. {next_step}") from error
