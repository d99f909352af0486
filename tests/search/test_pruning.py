"""Trials that continue at a rung, and laggards."""

from collections.abc import Sequence

import optuna
import pytest
from optuna.trial import TrialState

from mnist_mlflow.search.pruning import RUNGS, RungPruner

FIRST, LAST = min(RUNGS), max(RUNGS)


def study(direction: str = "minimize") -> optuna.Study:
    return optuna.create_study(direction=direction, pruner=RungPruner())


def continues(study: optuna.Study, values: Sequence[float], rung: int) -> list[bool]:
    """True for each trial that continues, of trials that report these values one after the other."""
    decisions = []
    for value in values:
        trial = study.ask()
        trial.report(value, rung)
        decisions.append(not trial.should_prune())
        study.tell(trial, value if decisions[-1] else None, TrialState.COMPLETE if decisions[-1] else TrialState.PRUNED)
    return decisions


@pytest.mark.parametrize(("rung", "share"), RUNGS.items())
def test_the_best_share_of_all_that_reach_a_rung_continues(rung: int, share: int) -> None:
    trials = study()
    continues(trials, range(100, 200), rung)
    probes = [99 + 100 // share - 1, 99 + 100 // share + 2]  # the last that belongs to the share, and one behind it
    assert continues(trials, probes, rung) == [True, False]


def test_a_trial_ahead_of_all_earlier_ones_has_to_be_among_the_best_of_the_latest_too() -> None:
    trials = study()
    continues(trials, range(100, 200), FIRST)
    better = [(17 * number) % 40 for number in range(40)]  # a sampler has learned where to look
    assert sum(continues(trials, better, FIRST)) <= 12


def test_the_best_of_the_latest_has_to_be_among_the_best_of_all_too() -> None:
    trials = study()
    continues(trials, range(100), FIRST)
    worse = [200 - number for number in range(40)]
    assert not any(continues(trials, worse, FIRST))


def test_the_first_continues_and_then_the_best_so_far() -> None:
    assert continues(study(), [5.0, 6.0, 4.0], FIRST) == [True, False, True]


@pytest.mark.parametrize("rung", RUNGS)
def test_the_best_so_far_continues_and_fills_the_slot_of_one_that_is_not(rung: int) -> None:
    trials = study()
    assert all(continues(trials, range(100, 0, -1), rung))
    assert continues(trials, [1.5], rung) == [False]


def test_one_as_good_as_the_best_needs_a_slot() -> None:
    assert continues(study(), [5.0, 5.0, 5.0], FIRST) == [True, False, False]


def test_when_the_slots_are_full_the_second_best_does_not_continue() -> None:
    enough_for_two_slots = range(10, 7 + 2 * RUNGS[FIRST])
    assert continues(study(), [6.0, 5.0, *enough_for_two_slots, 5.5], FIRST)[-1] is False
    assert continues(study(), [5.0, 6.0, *enough_for_two_slots, 5.5], FIRST)[-1] is True


def test_a_trial_with_fixed_hyperparameters_fills_no_slot() -> None:
    trials, share = study(), RUNGS[FIRST]
    for _ in range(2):
        trials.enqueue_trial({"C": 1.0})
    others = range(10, 10 + 2 * share - 4)
    decisions = continues(trials, [9.0, 9.0, 5.0, *others, 5.5], FIRST)  # as many as it takes for two slots
    assert decisions == [True, True, True, *(False for _ in others), True]


def test_the_nearer_the_end_the_milder() -> None:
    shares = [sum(continues(study(), [(37 * number) % 101 for number in range(100)], rung)) for rung in sorted(RUNGS)]
    assert shares == sorted(shares)
    assert shares[0] < shares[-1]


def test_a_value_to_be_maximized_continues_when_it_is_large() -> None:
    assert continues(study("maximize"), [0.5, 0.4, 0.6], FIRST) == [True, False, True]


def test_each_rung_has_its_own_rivals() -> None:
    trials = study()
    continues(trials, [0.1, 0.2], LAST)
    assert continues(trials, [5.0], FIRST) == [True]


def test_a_trial_with_fixed_hyperparameters_is_never_pruned() -> None:
    trials = study()
    continues(trials, [1.0], FIRST)
    trials.enqueue_trial({"C": 1.0})
    assert continues(trials, [9.0, 9.0], FIRST) == [True, False]


def test_a_failed_trial_is_nobody_s_rival() -> None:
    trials = study()
    trial = trials.ask()
    trial.report(0.1, FIRST)
    trials.tell(trial, state=TrialState.FAIL)
    assert continues(trials, [5.0], FIRST) == [True]


def test_not_a_number_lags_behind() -> None:
    assert continues(study(), [1.0, float("nan"), 0.5], FIRST) == [True, False, True]
    assert continues(study(), [float("nan"), 1.0], FIRST) == [False, True]
