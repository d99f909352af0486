"""Admission, claims and repetition; killed processes are made up here, real ones are elsewhere."""

import dataclasses
import multiprocessing
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from mnist_mlflow.processes import this_process
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.records import MOST_KILLS, counted_trials
from mnist_mlflow.search.spec import SearchSpec
from tests.searches import specify

ME = this_process()
GONE = {**ME, "pid": 2**22 + 1}  # above what Linux counts to
ELSEWHERE = {**GONE, "host": "elsewhere"}


@pytest.fixture
def queue(folder: Path) -> TrialQueue:
    return TrialQueue(specify(folder))


def begin(queue: TrialQueue, owner: dict[str, Any] = ME) -> optuna.Trial:
    """A trial of a process, which has chosen a hyperparameter."""
    trial = queue.next()
    assert trial
    trial.set_user_attr("owner", owner)
    trial.suggest_int("n_neighbors", 1, 20)
    return trial


def states(queue: TrialQueue) -> list[str]:
    return [record.state for record in queue.records()]


def test_the_first_trial_has_the_defaults_and_no_other_has(queue: TrialQueue) -> None:
    first, *others = (begin(queue, ELSEWHERE) for _ in range(4))
    assert first.params == {"n_neighbors": 8}
    assert {trial.params["n_neighbors"] for trial in others} != {8}


def test_a_trial_belongs_to_the_process_that_asked_and_to_its_run(queue: TrialQueue) -> None:
    trial = queue.next()
    assert trial
    (record,) = queue.records()
    assert (record.owner, record.run_id, record.state) == (ME, "run", "running")


def test_no_more_trials_begin_than_are_wanted(folder: Path) -> None:
    two, three = TrialQueue(specify(folder, trials=2)), TrialQueue(specify(folder, trials=3))
    first, _ = begin(two, ELSEWHERE), begin(two, ELSEWHERE)
    assert two.next() is None
    two.study.tell(first, 1.0)
    assert two.next() is None
    assert three.next()
    assert states(two) == ["complete", "running", "running"]


def test_past_the_deadline_no_trial_begins(folder: Path) -> None:
    assert TrialQueue(specify(folder, deadline=1.0)).next() is None


def test_a_trial_whose_process_is_gone_is_closed_and_repeated_with_the_same_hyperparameters(
    queue: TrialQueue,
) -> None:
    lost = begin(queue, GONE)
    queue.requeue_lost_trials()
    assert states(queue) == ["fail", "waiting"]
    assert queue.records()[0].failure == "its process was killed"
    assert counted_trials(queue.records()) == []
    assert begin(queue).params == lost.params
    assert queue.records()[1].repeats == 0


def test_whoever_asks_next_repeats_what_was_lost(queue: TrialQueue) -> None:
    lost = begin(queue, GONE)
    assert begin(queue).params == lost.params
    assert states(queue) == ["fail", "running"]


def test_a_trial_whose_process_was_killed_before_its_claim_is_repeated(queue: TrialQueue) -> None:
    begin(queue, GONE)
    queue.requeue_lost_trials()
    queue.study.ask()
    queue.requeue_lost_trials()
    assert states(queue) == ["fail", "fail", "waiting"]
    assert {record.run_id for record in queue.records()} == {"run"}


def test_what_was_broken_off_here_is_repeated_but_not_what_others_try(queue: TrialQueue) -> None:
    begin(queue, ELSEWHERE)
    begin(queue, ME)
    queue.requeue_lost_trials()
    assert states(queue) == ["running", "fail", "waiting"]


def test_the_defaults_are_repeated_even_where_nothing_was_chosen_yet(queue: TrialQueue) -> None:
    trial = queue.next()
    assert trial
    trial.set_user_attr("owner", GONE)
    assert begin(queue).params == {"n_neighbors": 8}


@pytest.mark.parametrize("step", ["tell", "add_trial"])
def test_requeueing_that_was_itself_killed_is_completed(
    queue: TrialQueue, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for owner in (ELSEWHERE, ELSEWHERE):
        begin(queue, owner)
    for trial_id in (1, 2):
        queue.cache.set_trial_user_attr(trial_id, "owner", GONE)
    real, calls = getattr(queue.study, step), []

    def killed_the_second_time(*arguments: Any, **options: Any) -> None:
        calls.append(arguments)
        if len(calls) > 1:
            raise SystemExit
        real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(queue.study, step, killed_the_second_time)
        with pytest.raises(SystemExit):
            queue.requeue_lost_trials()
    for _ in range(2):
        queue.requeue_lost_trials()
        assert sorted(states(queue)) == ["fail", "fail", "waiting", "waiting"]


def test_hyperparameters_that_kill_their_process_every_time_are_given_up(queue: TrialQueue) -> None:
    for _ in range(MOST_KILLS):
        begin(queue, GONE)
    queue.requeue_lost_trials()
    assert states(queue) == ["fail"] * MOST_KILLS
    (given_up,) = counted_trials(queue.records())
    assert given_up.number == MOST_KILLS - 1


def test_an_interruption_is_no_kill(queue: TrialQueue) -> None:
    for _ in range(2 * MOST_KILLS):
        begin(queue).set_user_attr("outcome", {"interruption": "interrupted"})
    queue.requeue_lost_trials()
    assert states(queue)[-1] == "waiting"
    assert counted_trials(queue.records()) == []
    assert queue.records()[0].failure == "interrupted"


def test_a_trial_that_failed_by_itself_counts(queue: TrialQueue) -> None:
    trial = begin(queue, GONE)
    trial.set_user_attr("outcome", {"failure": "out of memory"})
    queue.study.tell(trial, state=TrialState.FAIL)
    queue.requeue_lost_trials()
    assert states(queue) == ["fail"]
    assert len(counted_trials(queue.records())) == 1
    assert queue.records()[0].failure == "out of memory"


WANTED, PROCESSES = 12, 4


def _try_until_none_is_left(spec: SearchSpec, start: Any) -> None:
    queue = TrialQueue(spec)
    start.wait(60)
    while trial := queue.next():
        queue.study.tell(trial, 1.0)


def test_processes_that_ask_at_once_never_try_more_than_is_wanted(folder: Path) -> None:
    rush(specify(folder, trials=WANTED))


def test_nor_do_processes_of_several_machines_that_share_a_server(folder: Path, server: str) -> None:
    rush(specify(folder, trials=WANTED, storage=server))


def test_on_a_server_an_admission_that_breaks_off_has_not_happened(
    folder: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = dataclasses.replace(specify(folder, trials=3, storage=server), study="broken off")
    queue = TrialQueue(spec)
    real = queue.cache.begin_trial

    def killed(*arguments: Any) -> None:
        real(*arguments)
        raise SystemExit

    monkeypatch.setattr(queue.cache, "begin_trial", killed)
    with pytest.raises(SystemExit):
        queue.next()
    close(queue)
    after = TrialQueue(spec)
    assert states(after) == []
    close(after)


def rush(spec: SearchSpec) -> None:
    close(TrialQueue(spec))
    context = multiprocessing.get_context("fork")
    start = context.Barrier(PROCESSES)
    crew = [context.Process(target=_try_until_none_is_left, args=(spec, start)) for _ in range(PROCESSES)]
    for process in crew:
        process.start()
    for process in crew:
        process.join(60)
    assert [process.exitcode for process in crew] == [0] * PROCESSES
    queue = TrialQueue(spec)
    assert states(queue) == ["complete"] * WANTED
    close(queue)


def close(queue: TrialQueue) -> None:
    """Close the connections, as the end of a process does otherwise."""
    queue.storage.remove_session()
    queue.storage.engine.dispose()


def test_a_machine_that_dies_right_after_its_claim_is_given_up(queue: TrialQueue) -> None:
    trial = queue.next()
    assert trial
    trial.set_user_attr("owner", ELSEWHERE)
    queue.requeue_lost_trials()
    assert states(queue) == ["running"]
    queue.storage.grace_period = -1  # every heartbeat is too old
    queue.requeue_lost_trials()
    assert states(queue) == ["fail", "waiting"]


def test_a_closed_queue_holds_no_connection(queue: TrialQueue) -> None:
    queue.records()
    pool = queue.storage.engine.pool
    queue.close()
    assert (pool.checkedin(), pool.checkedout()) == (0, 0)
