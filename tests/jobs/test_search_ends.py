"""How searches end that do not go to their end: by Ctrl-C, out of time, with trials or a storage that fail."""

import os
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
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.search.study import settled
from mnist_mlflow.search.trying import Job, Trier
from mnist_mlflow.types import silent
from tests.searches import FIXED, study_of, task, trials_of

Client: TypeAlias = mlflow.MlflowClient
pytestmark = pytest.mark.usefixtures("nothing_is_drawn")


def interrupt_at(number: int, patch: pytest.MonkeyPatch) -> None:
    """Have Ctrl-C pressed in the midst of a trial."""
    real = Trier._measure

    def press(trier: Trier, *rest: Any) -> Any:
        if len(trier.study.trials) == number + 1:
            raise KeyboardInterrupt
        return real(trier, *rest)

    patch.setattr(Trier, "_measure", press)


def test_an_interrupted_search_keeps_the_best_so_far_and_says_how_to_go_on(
    store: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(3, patch)
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
    again = trials_of(store, train(task(6, study=study), silent).run_id)
    assert len(again) == 3
    assert next(iter(again.values())).data.params == trials["trial-003"].data.params
    assert len(settled(study_of(study).trials)) == 6


def test_an_interruption_before_anything_was_tried_leaves_the_defaults(
    store: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_at(0, monkeypatch)
    outcome = train(task(3), silent)
    assert store.get_run(outcome.run_id).data.params["n_neighbors"] == "8"


def test_while_the_defaults_are_yet_to_be_tried_they_are_kept(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_of_two_workers_is_late(search: Any, *rest: Any) -> None:
        at = {"n_neighbors": IntDistribution(1, 20)}
        late, quick = {"interruption": "the time was up"}, {"metrics": {"tuning_log_loss": 0.1}}
        for state, neighbours, values, outcome in (("FAIL", 8, None, late), ("COMPLETE", 3, [0.1], quick)):
            mine = {"owner": this_process(), "run": search.run.id, "outcome": outcome}
            ended = {"params": {"n_neighbors": neighbours}, "distributions": at, "user_attrs": mine}
            search.study.add_trial(create_trial(state=TrialState[state], values=values, **ended))

    monkeypatch.setattr("mnist_mlflow.jobs.search._run", one_of_two_workers_is_late)
    known = {**FIXED, "components": 70, "weights": "distance"}
    outcome = train(Task("knn", known, DataOptions("digits", train_size=200, trials=4)), silent)
    run = store.get_run(outcome.run_id)
    assert run.data.params["n_neighbors"] == "8"
    assert run.data.tags["trials_complete"] == "1"
    assert "defaults, which are kept" in run.data.tags["mlflow.note.content"]


def fail(patch: pytest.MonkeyPatch, *numbers: int) -> None:
    """Have trials raise."""
    real = Trier._measure

    def raise_in_some(trier: Trier, *rest: Any) -> Any:
        number = len(trier.study.trials) - 1
        if number in numbers:
            raise MemoryError(f"reason {number}")
        return real(trier, *rest)

    patch.setattr(Trier, "_measure", raise_in_some)


def test_a_failed_trial_does_not_stop_the_search(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, 0, 2)
    outcome = train(task(4), silent)
    trials = trials_of(store, outcome.run_id)
    assert [run.info.status for run in trials.values()] == ["FAILED", "FINISHED", "FAILED", "FINISHED"]
    assert trials["trial-002"].data.tags["failure"] == "MemoryError: reason 2"
    assert store.get_run(outcome.run_id).data.tags["trials_fail"] == "2"


def test_a_search_whose_trials_all_fail_gives_the_first_reason(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, *range(3))
    with pytest.raises(UserFacingError, match="All 3 trials failed, the first one so: MemoryError: reason 0"):
        train(task(3), silent)
    (parent,) = store.search_runs(["0"], "tags.role = 'model'")
    assert parent.info.status == "FAILED"
    assert "reason 0" in parent.data.tags["failure"]


def test_where_some_were_broken_off_and_none_is_complete_the_defaults_are_kept(
    store: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def learn(trier: Trier, trial: optuna.Trial, ended: dict[str, Any]) -> None:
        trier.space.propose(trial)
        raise MemoryError if trial.number == 0 else optuna.TrialPruned

    monkeypatch.setattr(Trier, "_learn", learn)
    run = store.get_run(train(task(2), silent).run_id)
    assert run.data.params["n_neighbors"] == "8"
    assert {"trials_fail": "1", "trials_pruned": "1"}.items() <= run.data.tags.items()


def test_a_timeout_ends_the_search_and_not_the_run(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[None] = []
    real = Trier.try_next
    monkeypatch.setattr(Trier, "try_next", lambda trier: begun.append(None) or real(trier))
    monkeypatch.setattr(Job, "is_late", lambda job: len(begun) >= 3)  # as if the clock said so
    outcome = train(task(50, timeout=60.0), silent)
    assert len(trials_of(store, outcome.run_id)) == 3
    assert "-P timeout=60.0" in outcome.resume_command
    run = store.get_run(outcome.run_id)
    assert (run.info.status, run.data.tags["search_ended"]) == ("FINISHED", "out of time")


def test_as_many_are_tried_as_there_is_time_for_in_processes_of_their_own(store: Client) -> None:
    outcome = train(task(0, timeout=8.0, workers=2), silent)
    run = store.get_run(outcome.run_id)
    assert (run.info.status, run.data.tags["search_ended"]) == ("FINISHED", "complete")
    assert "-P timeout=8.0" in outcome.resume_command
    owners = {trial.user_attrs["owner"]["pid"] for trial in settled(study_of(run.data.tags["study"]).trials)}
    assert owners
    assert os.getpid() not in owners


def test_a_clock_that_has_run_out_lets_nothing_begin(store: Client) -> None:
    outcome = train(task(10, timeout=1e-6), silent)
    assert trials_of(store, outcome.run_id) == {}
    assert store.get_run(outcome.run_id).data.params["n_neighbors"] == "8"


def test_an_interruption_when_all_have_failed_so_far_leaves_the_defaults(
    store: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_then_press(trier: Trier, *rest: Any) -> None:
        raise MemoryError if len(trier.study.trials) == 1 else KeyboardInterrupt

    monkeypatch.setattr(Trier, "_measure", fail_then_press)
    run = store.get_run(train(task(3), silent).run_id)
    assert (run.info.status, run.data.tags["search_ended"]) == ("FINISHED", "interrupted")
    assert run.data.params["n_neighbors"] == "8"


def test_a_storage_that_is_lost_in_the_midst_is_a_clear_line(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(*arguments: Any) -> None:
        raise optuna.exceptions.StorageInternalError("the server is gone")

    monkeypatch.setattr("mnist_mlflow.search.workers.release", lose)
    with pytest.raises(UserFacingError, match=r"storage of studies .* cannot be used: .*the server is gone"):
        train(task(2), silent)
