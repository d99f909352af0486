"""Who tries what, what counts, and what is tried again; killed processes are made up here, real ones are elsewhere."""

from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from mnist_mlflow.processes import this_process
from mnist_mlflow.search.queue import MOST_KILLS, admit, claim, failure, release, settled

ME = this_process()
GONE = {**ME, "pid": 2**22 + 1}  # above what Linux counts to
ELSEWHERE = {**GONE, "host": "elsewhere"}


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))


def begin(study: optuna.Study, owner: dict[str, Any], wanted: int = 100) -> optuna.Trial:
    """A trial of a process, which has chosen a hyperparameter."""
    assert admit(study, study.trials, wanted, {"x": 0.5}, owner, "run")
    trial = study.ask()
    claim(trial, owner, "run")
    trial.suggest_float("x", 0, 1)
    return trial


def states(study: optuna.Study) -> list[str]:
    return [trial.state.name for trial in study.trials]


def test_the_first_trial_is_the_default_and_no_other_is(study: optuna.Study) -> None:
    first, second = begin(study, ME), begin(study, ME)
    assert first.params == {"x": 0.5}
    assert second.params != {"x": 0.5}


def test_no_more_are_let_in_than_are_wanted(study: optuna.Study) -> None:
    first, _ = begin(study, ME, 2), begin(study, ME, 2)
    assert not admit(study, study.trials, 2, {}, ME, "run")
    study.tell(first, 1.0)
    assert not admit(study, study.trials, 2, {}, ME, "run")
    assert admit(study, study.trials, 3, {}, ME, "run")
    assert admit(study, study.trials, 3, {}, ME, "run")  # the same one: nobody has taken it up yet
    assert states(study).count("WAITING") == 1


def test_without_a_number_any_number_is_let_in(study: optuna.Study) -> None:
    for _ in range(3):
        assert admit(study, study.trials, None, {}, ME, "run")
        study.tell(study.ask(), 1.0)


def test_a_trial_whose_process_is_gone_is_closed_and_tried_again_with_the_same_hyperparameters(
    study: optuna.Study,
) -> None:
    lost = begin(study, GONE)
    release(study, "run")
    assert states(study) == ["FAIL", "WAITING"]
    assert failure(study.trials[0]) == "its process was killed"
    assert settled(study.trials) == []
    again = study.ask()
    assert again.suggest_float("x", 0, 1) == lost.params["x"]


def test_what_was_taken_up_by_a_process_that_was_killed_before_it_said_so_is_tried_again(study: optuna.Study) -> None:
    begin(study, GONE)
    release(study, "run")
    study.ask()
    release(study, "run")
    assert states(study) == ["FAIL", "FAIL", "WAITING"]
    assert {trial.user_attrs["run"] for trial in study.trials} == {"run"}


def test_what_was_broken_off_here_is_tried_again_but_not_what_others_try(study: optuna.Study) -> None:
    begin(study, ME)
    begin(study, ELSEWHERE)
    release(study, "run")
    assert states(study) == ["FAIL", "RUNNING", "WAITING"]


def test_the_default_is_tried_again_even_where_it_had_chosen_nothing_yet(study: optuna.Study) -> None:
    admit(study, study.trials, 1, {"x": 0.5}, GONE, "run")
    study.ask()
    release(study, "run")
    assert study.ask().suggest_float("x", 0, 1) == 0.5


@pytest.mark.parametrize("step", ["tell", "add_trial"])
def test_a_release_that_was_itself_killed_is_brought_to_its_end(
    study: optuna.Study, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(study, GONE)
    begin(study, GONE)
    real, calls = getattr(study, step), []

    def killed_the_second_time(*arguments: Any, **options: Any) -> None:
        calls.append(arguments)
        if len(calls) > 1:
            raise SystemExit
        real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(study, step, killed_the_second_time)
        with pytest.raises(SystemExit):
            release(study, "run")
    for _ in range(2):
        release(study, "run")
        assert sorted(states(study)) == ["FAIL", "FAIL", "WAITING", "WAITING"]


def test_what_kills_its_process_every_time_is_given_up(study: optuna.Study) -> None:
    for _ in range(MOST_KILLS):
        begin(study, GONE)
        release(study, "run")
    assert states(study) == ["FAIL"] * MOST_KILLS
    (given_up,) = settled(study.trials)
    assert given_up.number == MOST_KILLS - 1


def test_an_interruption_is_no_kill(study: optuna.Study) -> None:
    for _ in range(2 * MOST_KILLS):
        begin(study, ME).set_user_attr("outcome", {"interruption": "interrupted"})
        release(study, "run")
    assert states(study)[-1] == "WAITING"
    assert settled(study.trials) == []
    assert failure(study.trials[0]) == "interrupted"


def test_a_trial_that_failed_by_itself_counts(study: optuna.Study) -> None:
    trial = begin(study, GONE)
    trial.set_user_attr("outcome", {"failure": "out of memory"})
    study.tell(trial, state=TrialState.FAIL)
    release(study, "run")
    assert states(study) == ["FAIL"]
    assert len(settled(study.trials)) == 1
    assert failure(study.trials[0]) == "out of memory"


def test_whoever_takes_a_trial_up_owns_it(study: optuna.Study) -> None:
    admit(study, study.trials, 1, {}, GONE, "their run")
    trial = study.ask()
    claim(trial, ME, "my run")
    assert trial.user_attrs == {"owner": ME, "run": "my run"}
