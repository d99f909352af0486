"""Trials as a process knows them against those that Optuna reads, and what is read and written of them."""

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.sampler import NumberedSampler
from mnist_mlflow.search.storage import PatientStorage, TrialNews
from tests.searches import specify

ENDS: list[tuple[TrialState, float | None]] = [
    *[(TrialState.COMPLETE, 0.1 + 0.2), (TrialState.PRUNED, None), (TrialState.FAIL, None)],
    *[(TrialState.COMPLETE, float("inf")), (TrialState.COMPLETE, 1e-12)],
]


@pytest.fixture
def queue(folder: Path) -> TrialQueue:
    return TrialQueue(specify(folder, "svm"))


def begin(queue: TrialQueue) -> optuna.Trial:
    """A trial that has chosen its hyperparameters."""
    trial = queue.next()
    assert trial
    queue.spec.space.propose(trial)
    queue.cache.flush()
    return trial


def end(queue: TrialQueue, trial: optuna.Trial, state: TrialState, value: float | None) -> None:
    trial.report(0.7 / (1 + trial.number), 2)
    trial.set_user_attr("outcome", {"metrics": {"tuning_log_loss": 0.3}, "rungs": (1, 2), "failure": "broke"})
    queue.study.tell(trial, value, state)


def by_optuna(queue: TrialQueue) -> list[FrozenTrial]:
    """All trials as Optuna reads them."""
    trials: list[FrozenTrial] = RDBStorage(queue.spec.storage).get_all_trials(queue.study._study_id)
    return trials


def test_it_knows_trials_as_optuna_reads_them(queue: TrialQueue) -> None:
    for state, value in ENDS:
        end(queue, begin(queue), state, value)
    trial = begin(queue)
    trial.report(0.5, 2)
    assert queue.study.get_trials() == by_optuna(queue)


def test_a_trial_that_is_repeated_is_known_as_optuna_reads_it(queue: TrialQueue) -> None:
    lost = begin(queue)
    end(queue, begin(queue), TrialState.COMPLETE, 0.5)
    assert queue.study.trials[1].params == lost.params
    assert queue.study.get_trials() == by_optuna(queue)


def test_a_search_proposes_what_optuna_s_own_study_does(queue: TrialQueue) -> None:
    spec = queue.spec
    plain = optuna.create_study(sampler=NumberedSampler(spec.task.protocol.seed))
    plain.enqueue_trial(vars(spec.space.defaults))
    for number in range(14):  # Optuna learns from ten
        ours, theirs = queue.next(), plain.ask()
        assert ours
        assert spec.space.propose(ours) == spec.space.propose(theirs)
        value = abs(ours.params["gamma"] - 1) + number / 100
        queue.study.tell(ours, value)
        plain.tell(theirs, value)


def test_nothing_is_read_again_where_nobody_else_tries(queue: TrialQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    end(queue, begin(queue), TrialState.COMPLETE, 0.5)
    for method in ("_get_trials", "get_trial", "_get_stale_trial_ids"):
        monkeypatch.delattr(PatientStorage, method)
        monkeypatch.delattr(RDBStorage, method)
    trial = begin(queue)
    trial.report(0.5, 2)
    trial.should_prune()
    queue.study.tell(trial, 0.4)
    assert [record.state for record in queue.records()] == ["complete", "complete"]


def test_what_others_do_is_read(queue: TrialQueue) -> None:
    other = TrialQueue(queue.spec)
    ours, theirs = queue.cache, other.cache
    study = queue.study._study_id
    trial = theirs.begin_trial(study, {"run": "theirs"}, {})
    assert [one.user_attrs for one in ours.get_all_trials(study)] == [{"run": "theirs"}]
    own = ours.begin_trial(study, {}, {})
    theirs.set_trial_intermediate_value(trial, 2, 0.5)
    assert ours.get_all_trials(study)[0].intermediate_values == {2: 0.5}
    theirs.set_trial_state_values(trial, TrialState.COMPLETE, [0.1])
    ours.set_trial_state_values(own, TrialState.COMPLETE, [0.2])
    for cache in (ours, theirs):
        assert [one.values for one in cache.get_all_trials(study)] == [[0.1], [0.2]]


def test_trials_of_others_that_began_before_its_own_are_read(queue: TrialQueue) -> None:
    study, other = queue.study._study_id, TrialQueue(queue.spec)
    for _ in range(2):
        other.cache.begin_trial(study, {}, {})
    own = queue.cache.begin_trial(study, {}, {})
    queue.cache.set_trial_state_values(own, TrialState.COMPLETE, [0.2])
    assert [trial.number for trial in queue.cache.get_all_trials(study)] == [0, 1, 2]


def test_of_a_trial_that_others_closed_nothing_more_is_written(queue: TrialQueue) -> None:
    trial = begin(queue)
    TrialQueue(queue.spec).study.tell(trial.number, state=TrialState.FAIL)
    trial.set_user_attr("outcome", {"metrics": {}})
    with pytest.raises(UpdateFinishedTrialError):
        queue.study.tell(trial, 0.5)
    (record,) = queue.records()
    assert record.was_killed
    assert queue.study.get_trials() == by_optuna(queue)


def test_what_is_written_twice_after_a_restart_of_the_database_is_there_once(queue: TrialQueue) -> None:
    trial = begin(queue)
    news = TrialNews(intermediate_values={2: 0.5}, user_attrs={"a": 1})
    for _ in range(2):
        queue.storage.write_trial(trial._trial_id, news)
    (read,) = by_optuna(queue)
    assert (read.intermediate_values, read.user_attrs["a"]) == ({2: 0.5}, 1)


def test_a_hyperparameter_of_another_kind_is_refused(queue: TrialQueue) -> None:
    end(queue, begin(queue), TrialState.COMPLETE, 0.5)
    trial: Any = queue.next()
    with pytest.raises(ValueError, match="distribution"):
        trial._suggest("gamma", CategoricalDistribution(("a", "b")))


def test_an_attribute_can_be_changed(queue: TrialQueue) -> None:
    trial = begin(queue)
    for owner in ({"pid": 1}, {"pid": 2}):
        trial.set_user_attr("owner", owner)
    assert by_optuna(queue)[0].user_attrs["owner"] == {"pid": 2}
