"""What has to be true of a store, whatever was killed."""

from pathlib import Path
from typing import Any, TypeAlias

import mlflow

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import load_dataset
from mnist_mlflow.processes import is_gone, read_owner
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.records import counted_trials
from mnist_mlflow.search.spec import SearchSpec
from mnist_mlflow.tracking.aliases import CHALLENGER, CHAMPION, PREVIOUS, UNFINISHED
from mnist_mlflow.tracking.parcels import Parcel, unsent_parcels
from mnist_mlflow.tracking.queries import search_runs
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.store import connect, studies_uri

Client: TypeAlias = mlflow.MlflowClient
Run: TypeAlias = mlflow.entities.Run
METRICS = {"val_accuracy", "val_log_loss", "val_ece", "fit_seconds", "predict_ms_per_image", "model_mb"}
FILES = {"validation_probabilities.npz", "tuning_probabilities.npz", "plots", "environment"}
ENDED = ("FAILED", "KILLED")


def look(leader: int = 0, done: bool = False) -> str:
    """The statuses of the runs that a process has opened; raises AssertionError for a run that lies.

    Nobody works with the store now. `done` is what the process said by its exit status.
    """
    client, opened = connect(), []
    for run in search_runs(client, ""):
        check_run(client, run)
        if (read_owner(run.data.tags.get("owner")) or {}).get("pid") == leader:
            opened.append(run.info.status)
    assert not done or set(opened) <= {"FINISHED"}, f"the command was done, its runs are {opened}"
    for folder in unsent_parcels():
        Parcel.read(folder)
    return " and ".join(sorted(opened)) or "no run"


def check_run(client: Client, run: Run) -> None:
    """A run has all that its status promises."""
    tags, name = run.data.tags, f"{run.info.run_name} {run.info.run_id}"
    if run.info.status == "FINISHED" and tags.get("role") == "model":
        check_whole(client, run)
    elif run.info.status in ENDED:
        assert tags.get("failure"), f"{name} is {run.info.status} without a reason"
    elif run.info.status == "RUNNING" and tags.get("role") != "trial":
        assert is_gone(read_owner(tags.get("owner"))), f"{name} is RUNNING, and its process lives"


def check_whole(client: Client, run: Run) -> None:
    """A finished run has its metrics, each once, its files, and one model, which loads and reads as it says."""
    run_id, metrics = run.info.run_id, run.data.metrics
    assert metrics.keys() >= METRICS, f"{run_id} lacks {METRICS - metrics.keys()}"
    for name in METRICS:
        assert len(client.get_metric_history(run_id, name)) == 1, f"{run_id} has {name} twice"
    files = {path.name for path in _local(run.info.artifact_uri).iterdir()}
    assert files >= FILES, f"{run_id} lacks {FILES - files}"
    models = client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run_id}'")
    assert [str(model.status) for model in models] == ["READY"], f"{run_id} has {models}"
    validation = load_dataset("digits").validation
    answers = mlflow.pyfunc.load_model(models[0].artifact_location).predict(validation.images)
    accuracy = (answers["digit"] == validation.labels).mean()
    assert abs(accuracy - metrics["val_accuracy"]) < 1e-9, f"{run_id} reads {accuracy}"


def _local(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))


def nothing_is_open() -> None:
    """No run is RUNNING after a command that went on to its end, and nothing waits to be uploaded half done."""
    running = [run.info.run_name for run in search_runs(connect(), "attributes.status = 'RUNNING'")]
    assert not running, f"still RUNNING: {running}"


def study_and_runs_agree(study: str, trials: int) -> None:
    """Each trial of a study has one run with its state, and as many count as were asked for."""
    records = TrialQueue(SearchSpec(Task("knn"), study, studies_uri())).records()
    assert len(counted_trials(records)) == trials, f"{len(counted_trials(records))} trials count"
    assert all(record.has_ended for record in records)
    children = list(search_runs(connect(), "tags.role = 'trial'"))
    names = sorted(run.info.run_name for run in children)
    assert names == [f"trial-{record.number:03d}" for record in records], f"runs {names}, {len(records)} trials"
    states = {run.info.run_name: run.data.tags["trial_state"] for run in children}
    assert all(states[f"trial-{record.number:03d}"] == record.state for record in records)
    repeats = [record.repeats for record in records if record.repeats is not None]
    assert len(repeats) == len(set(repeats)), "a trial was repeated twice"
    lost = [record for record in records if record.must_be_repeated and record.number not in repeats]
    assert not lost, f"{len(lost)} trials are lost"


def check_registry(settled: bool) -> None:
    """There is a champion, which loads; and after a whole selection nothing is half done."""
    client = connect()
    registry = Registry(client)
    champion: Any = registry.version(CHAMPION)
    assert champion is not None, "there is no champion"
    mlflow.pyfunc.load_model(registry.uri(CHAMPION))
    if not settled:
        return
    assert UNFINISHED not in client.get_registered_model(registry.name).tags
    aliases = registry.aliases()
    versions = [aliases[alias] for alias in (CHAMPION, PREVIOUS, CHALLENGER) if aliases[alias]]
    assert len(versions) == len(set(versions)), f"aliases {aliases}"
    assert {"selection_run_id", "algorithm", "val_accuracy", "test_accuracy"} <= champion.tags.keys()
    assert "## Load it" in champion.description


def the_poor_one_is_replaced() -> None:
    """The champion is a good model, and the poor one before it the previous champion."""
    registry = Registry(connect())
    champion, previous = registry.champion(), registry.version(PREVIOUS)
    assert champion is not None
    assert champion.algorithm == "knn"
    assert previous is not None
    assert previous.tags["algorithm"] == "forest"


def are_finished(run_ids: set[str]) -> None:
    """The results that were kept are in the store."""
    client = connect()
    statuses = {run_id: client.get_run(run_id).info.status for run_id in run_ids}
    assert set(statuses.values()) <= {"FINISHED"}, statuses


def two_results() -> None:
    """Each of two results that were kept is whole in the store or in its folder."""
    finished = {run.info.run_id for run in search_runs(connect(), "attributes.status = 'FINISHED'")}
    kept = {folder.name for folder in unsent_parcels()}
    assert len(finished | kept) == 2, f"kept are {kept}, finished {finished}"


def nothing_waits() -> None:
    """Every result was sent: no folder is left, and the runs are finished."""
    assert not unsent_parcels()
    statuses = {run.info.status for run in search_runs(connect(), "tags.role = 'model'")}
    assert statuses == {"FINISHED"}, statuses
