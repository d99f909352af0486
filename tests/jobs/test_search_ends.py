"""Searches that do not go to their end: by Ctrl-C, out of time, with trials or a storage that fail."""

import os
from collections.abc import Callable
from typing import Any, TypeAlias

import mlflow
import optuna
import pytest
from optuna.distributions import IntDistribution
from optuna.trial import TrialState, create_trial

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.jobs.train import train
from mnist_mlflow.processes import this_process
from mnist_mlflow.protocol import DataOptions, SearchOptions
from mnist_mlflow.search import queue
from mnist_mlflow.search.records import counted_trials
from mnist_mlflow.search.spec import SearchSpec
from mnist_mlflow.types import silent
from tests.searches import FIXED, before_fit, queue_of, records_of, task, trials_of

Client: TypeAlias = mlflow.MlflowClient


def interrupt_at(number: int) -> Callable[[int], None]:
    """Press Ctrl-C in the middle of a trial."""

    def press(fit: int) -> None:
        if fit == number:
            raise KeyboardInterrupt

    return press


def test_an_interrupted_search_keeps_the_best_so_far_and_says_how_to_go_on(
    store: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        before_fit(patch, interrupt_at(3))
        outcome = train(task(6), silent)
    run = store.get_run(outcome.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["search_ended"] == "interrupted"
    study = run.data.tags["study"]
    assert outcome.resume_command.startswith("mlflow run . -e knn --env-manager local -P ")
    assert all(f"-P {part}" in outcome.resume_command for part in (f"study={study}", "trials=6", "features=deskewed"))
    trials = trials_of(store, outcome.run_id)
    assert [trial.info.status for trial in trials.values()] == ["FINISHED"] * 3 + ["FAILED"]
    assert trials["trial-003"].data.tags["failure"] == "interrupted"
    repeated_trials = trials_of(store, train(task(6, study=study), silent).run_id)
    assert len(repeated_trials) == 3
    assert next(iter(repeated_trials.values())).data.params == trials["trial-003"].data.params
    assert len(counted_trials(records_of(study))) == 6


def test_an_interruption_before_anything_was_tried_leaves_the_defaults(
    store: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_fit(monkeypatch, interrupt_at(0))
    outcome = train(task(3), silent)
    assert store.get_run(outcome.run_id).data.params["n_neighbors"] == "8"


def test_while_the_defaults_are_yet_to_be_tried_they_are_kept(store: Client) -> None:
    """As where one of two workers is late with them when the time is up."""
    fixed = {**FIXED, "components": 70, "weights": "distance"}
    late = Task("knn", fixed, DataOptions("digits", train_size=200, trials=4), SearchOptions(1e-6, study="mine"))
    train(late, silent)
    at = {"n_neighbors": IntDistribution(1, 20)}
    interrupted, quick = {"interruption": "the time was up"}, {"metrics": {"tuning_log_loss": 0.1}}
    for state, neighbours, values, outcome in (("FAIL", 8, None, interrupted), ("COMPLETE", 3, [0.1], quick)):
        mine = {"owner": this_process(), "run": "elsewhere", "outcome": outcome}
        choice = {"params": {"n_neighbors": neighbours}, "distributions": at, "user_attrs": mine}
        queue_of("mine").study.add_trial(create_trial(state=TrialState[state], values=values, **choice))
    run = store.get_run(train(late, silent).run_id)
    assert run.data.params["n_neighbors"] == "8"
    assert run.data.tags["trials_complete"] == "1"
    assert "defaults, which are kept" in run.data.tags["mlflow.note.content"]


def fail_in(*numbers: int) -> Callable[[int], None]:
    """Run out of memory in some trials."""

    def fail(fit: int) -> None:
        if fit in numbers:
            raise MemoryError(f"reason {fit}")

    return fail


def test_a_failed_trial_does_not_stop_the_search(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    before_fit(monkeypatch, fail_in(0, 2))
    outcome = train(task(4), silent)
    trials = trials_of(store, outcome.run_id)
    assert [run.info.status for run in trials.values()] == ["FAILED", "FINISHED", "FAILED", "FINISHED"]
    assert trials["trial-002"].data.tags["failure"] == "MemoryError: reason 2"
    assert store.get_run(outcome.run_id).data.tags["trials_fail"] == "2"


def test_a_search_whose_trials_all_fail_gives_the_first_reason(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    before_fit(monkeypatch, fail_in(*range(3)))
    with pytest.raises(UserFacingError, match="All 3 trials failed, the first one so: MemoryError: reason 0"):
        train(task(3), silent)
    (parent,) = store.search_runs(["0"], "tags.role = 'model'")
    assert parent.info.status == "FAILED"
    assert "reason 0" in parent.data.tags["failure"]


def test_where_some_were_pruned_and_none_is_complete_the_defaults_are_kept(
    store: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_or_lag(fit: int) -> None:
        if fit < 2:  # the third one is no trial, but learns with what the search found
            raise MemoryError if fit == 0 else optuna.TrialPruned

    before_fit(monkeypatch, fail_or_lag)
    run = store.get_run(train(task(2), silent).run_id)
    assert run.data.params["n_neighbors"] == "8"
    assert {"trials_fail": "1", "trials_pruned": "1"}.items() <= run.data.tags.items()


def test_a_timeout_ends_the_search_and_not_the_run(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    fits: list[int] = []
    before_fit(monkeypatch, fits.append)
    monkeypatch.setattr(SearchSpec, "is_late", lambda spec: len(fits) >= 3)  # as if the clock said so
    outcome = train(task(50, timeout=60.0), silent)
    assert len(trials_of(store, outcome.run_id)) == 3
    assert "-P timeout=60.0" in outcome.resume_command
    run = store.get_run(outcome.run_id)
    assert (run.info.status, run.data.tags["search_ended"]) == ("FINISHED", "out of time")


def test_several_workers_try_in_processes_of_their_own(store: Client) -> None:
    run = store.get_run(train(task(3, workers=2), silent).run_id)
    assert (run.info.status, run.data.tags["search_ended"]) == ("FINISHED", "complete")
    owners = [record.owner["pid"] for record in counted_trials(records_of(run.data.tags["study"])) if record.owner]
    assert len(owners) == 3
    assert os.getpid() not in owners


@pytest.mark.parametrize(("trials", "ending"), [(10, "out of time"), (0, "complete")])
def test_a_clock_that_has_run_out_lets_nothing_begin(store: Client, trials: int, ending: str) -> None:
    outcome = train(task(trials, timeout=1e-6), silent)
    assert trials_of(store, outcome.run_id) == {}
    assert "-P timeout=1e-06" in outcome.resume_command
    run = store.get_run(outcome.run_id)
    assert (run.data.tags["search_ended"], run.data.params["n_neighbors"]) == (ending, "8")


def test_an_interruption_when_all_have_failed_so_far_leaves_the_defaults(
    store: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_then_press(fit: int) -> None:
        if fit < 2:
            raise MemoryError if fit == 0 else KeyboardInterrupt

    before_fit(monkeypatch, fail_then_press)
    run = store.get_run(train(task(3), silent).run_id)
    assert (run.info.status, run.data.tags["search_ended"]) == ("FINISHED", "interrupted")
    assert run.data.params["n_neighbors"] == "8"


def test_a_storage_that_is_lost_on_the_way_is_a_clear_line(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(*arguments: Any) -> None:
        raise optuna.exceptions.StorageInternalError("invalid data") from OSError("the server is gone")

    monkeypatch.setattr(queue, "read_records", lose)
    with pytest.raises(UserFacingError, match=r"storage of studies .* cannot be used: OSError: the server is gone"):
        train(task(2), silent)
