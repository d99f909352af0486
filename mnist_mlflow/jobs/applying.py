"""Carry out what a dry run of `select` decided, unless anything that it rests on has changed."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, replace

from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.protocol import Names
from mnist_mlflow.selection.deciding import selection_tags
from mnist_mlflow.selection.evidence import Evidence
from mnist_mlflow.selection.outcome import Outcome
from mnist_mlflow.selection.plan import DryRun, find_dry_run
from mnist_mlflow.selection.promotion import Promotion, promote
from mnist_mlflow.tracking import views
from mnist_mlflow.tracking.aliases import DECIDED
from mnist_mlflow.tracking.datasets import dataset_tags
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.models import Load, load_model
from mnist_mlflow.tracking.permissions import check_may_change
from mnist_mlflow.tracking.queries import place_beside, same_experiments
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.results import read_file, write_pictures
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.tracking.signatures import APPLICATION, REASON, read_signatures, signature_rows
from mnist_mlflow.tracking.store import connect, registry_lock, store_uri
from mnist_mlflow.types import Progress

MOST_CHANGES = 3  # that are told


@dataclass(frozen=True)
class Applied:
    """The outcome of a dry run that was carried out, and what came of it."""

    outcome: Outcome
    done: Promotion
    names: Names
    store: str
    ui: str  # the address of the runs in the MLflow UI


def apply_dry_run(name: str, names: Names, reason: str, progress: Progress) -> Applied:
    """Carry out the decision of a dry run: nothing is decided or measured again.

    Raises UserFacingError, and changes nothing, where it is no dry run or what it rests on has changed.
    """
    client = connect()
    dry_run = find_dry_run(client, name, names)
    registry = Registry(client, names)
    _check_first_time(registry, dry_run)
    place = place_beside(client, names.experiment)
    with open_run("select", selection_tags(), place, client, name="selection, dry run applied") as run:
        run.log_params({"apply": dry_run.run_id, "registered_model": names.registered_model, REASON: reason})
        plan, load = dry_run.plan, functools.cache(load_model)  # each model once, for its check and the test images
        dataset = load_dataset(plan.data, plan.split_seed, progress=progress)
        run.set_tags(dataset_tags(dataset))
        with registry_lock(registry.name), same_experiments(run.client):
            check_may_change(registry)
            outcome = _unchanged_outcome(run, registry, dry_run, dataset, load)
            outcome = replace(outcome, ruling=replace(plan.ruling, reason=reason or plan.ruling.reason))
            _copy_decision(run, dry_run)
            done = promote(run, registry, outcome, plan.grounds.state, dataset, progress, load)
        return Applied(outcome, done, names, store_uri(), views.address(run.place))


def _check_first_time(registry: Registry, dry_run: DryRun) -> None:
    """Raise UsageError for a decision that was carried out already, or is asked for in another experiment."""
    grounds, version = dry_run.plan.grounds, registry.version_decided_in(dry_run.run_id)
    if version and registry.state().tags.get(DECIDED) != grounds.state.tags.get(DECIDED):
        (signed,) = [
            text for topic, text in signature_rows(read_signatures(version.tags)) if topic == f"{APPLICATION} by"
        ]
        raise UsageError(
            f"What run {dry_run.run_id} decided was applied already, as version {version.version} of {registry.name}: "
            f"{signed}. Decide again: {dry_run.plan.ruling.command}"
        )
    if registry.names.experiment not in ("", grounds.query.experiment):
        among = f"the experiment {grounds.query.experiment}" if grounds.query.experiment else "all experiments"
        raise UsageError(f"Run {dry_run.run_id} decided among the runs of {among}. Leave out experiment.")


def _unchanged_outcome(run: Run, registry: Registry, dry_run: DryRun, dataset: Dataset, load: Load) -> Outcome:
    """The outcome of a dry run; raises UserFacingError, with what has changed, where it does not hold any more."""
    plan, entries = dry_run.plan, dry_run.plan.entries(run.client)
    winner = next((entry for entry in entries if entry.candidate.run_id == plan.winner), None)
    evidence = Evidence(dataset.validation, load=load)
    changes = [*plan.grounds.changes(run.client, registry.state(), winner, dataset, evidence)]
    if winner is None or changes:
        changes += [] if winner else [f"the model of run {plan.winner}, the winner, is gone"]
        more = f"; and {len(changes) - MOST_CHANGES} more" if len(changes) > MOST_CHANGES else ""
        raise UserFacingError(
            f"Nothing was changed: what run {dry_run.run_id} decided does not hold any more. "
            f"{'; '.join(changes[:MOST_CHANGES])}{more}. Decide again: {plan.ruling.command}"
        )
    return Outcome(plan.ruling, winner, entries, dry_run.leaderboard())


def _copy_decision(run: Run, dry_run: DryRun) -> None:
    """Log the decision in the run that carries it out, which a report reads, before anything is changed."""
    picture = read_file(dry_run.artifacts, "plots/pareto.png")
    with run.files() as folder:
        (folder / "decision.json").write_text(json.dumps(dry_run.decision, indent=2), encoding="utf-8")
        write_pictures(folder, {"pareto": picture})
