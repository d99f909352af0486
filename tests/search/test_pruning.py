"""Who goes on at a stage, and who is broken off."""

from collections.abc import Sequence

import optuna
import pytest
from optuna.trial import TrialState

from mnist_mlflow.search.pruning import RUNGS, RungPruner

FIRST, LAST = min(RUNGS), max(RUNGS)


def study(direction: str = "minimize") -> optuna.Study:
    return optuna.create_study(direction=direction, pruner=RungPruner())


def continues(study: optuna.Study, values: Sequence[float], stage: int) -> list[bool]:
    """Whether trials that report these values, one after the other, may go on."""
    allowed = []
    for value in values:
        trial = study.ask()
        trial.report(value, stage)
        allowed.append(not trial.should_prune())
        study.tell(trial, value if allowed[-1] else None, TrialState.COMPLETE if allowed[-1] else TrialState.PRUNED)
    return allowed


@pytest.mark.parametrize(("stage", "of"), RUNGS.items())
def test_of_all_that_reach_a_stage_the_best_share_goes_on(stage: int, of: int) -> None:
    found = study()
    continues(found, range(100, 200), stage)
    probes = [99 + 100 // of - 1, 99 + 100 // of + 2]  # the last that belongs to the share, and one behind it
    assert continues(found, probes, stage) == [True, False]


def test_who_is_ahead_of_all_earlier_ones_has_to_be_among_the_best_of_the_latest_too() -> None:
    found = study()
    continues(found, range(100, 200), FIRST)
    better = [(17 * number) % 40 for number in range(40)]  # a sampler has learned where to look
    assert sum(continues(found, better, FIRST)) <= 12


def test_who_is_the_best_of_the_latest_has_to_be_among_the_best_of_all_too() -> None:
    found = study()
    continues(found, range(100), FIRST)
    worse = [200 - number for number in range(40)]
    assert not any(continues(found, worse, FIRST))


def test_the_first_goes_on_and_then_who_is_better_than_all() -> None:
    assert continues(study(), [5.0, 6.0, 4.0], FIRST) == [True, False, True]


@pytest.mark.parametrize("stage", RUNGS)
def test_who_is_the_best_so_far_goes_on_and_takes_the_place_of_one_who_is_not(stage: int) -> None:
    found = study()
    assert all(continues(found, range(100, 0, -1), stage))
    assert continues(found, [1.5], stage) == [False]


def test_who_is_as_good_as_the_best_needs_a_place() -> None:
    assert continues(study(), [5.0, 5.0, 5.0], FIRST) == [True, False, False]


def test_when_as_many_went_on_as_there_are_places_the_second_best_does_not() -> None:
    enough_for_two_places = range(10, 7 + 2 * RUNGS[FIRST])
    assert continues(study(), [6.0, 5.0, *enough_for_two_places, 5.5], FIRST)[-1] is False
    assert continues(study(), [5.0, 6.0, *enough_for_two_places, 5.5], FIRST)[-1] is True


def test_what_was_put_up_by_name_takes_nobody_s_place() -> None:
    found, of = study(), RUNGS[FIRST]
    for _ in range(2):
        found.enqueue_trial({"C": 1.0})
    others = range(10, 10 + 2 * of - 4)
    allowed = continues(found, [9.0, 9.0, 5.0, *others, 5.5], FIRST)  # as many as it takes for two places
    assert allowed == [True, True, True, *(False for _ in others), True]


def test_the_nearer_the_end_the_milder() -> None:
    shares = [sum(continues(study(), [(37 * number) % 101 for number in range(100)], stage)) for stage in sorted(RUNGS)]
    assert shares == sorted(shares)
    assert shares[0] < shares[-1]


def test_what_is_to_be_large_goes_on_when_it_is_large() -> None:
    assert continues(study("maximize"), [0.5, 0.4, 0.6], FIRST) == [True, False, True]


def test_each_stage_has_its_own_competitors() -> None:
    found = study()
    continues(found, [0.1, 0.2], LAST)
    assert continues(found, [5.0], FIRST) == [True]


def test_what_was_put_up_by_name_is_never_broken_off() -> None:
    found = study()
    continues(found, [1.0], FIRST)
    found.enqueue_trial({"C": 1.0})
    assert continues(found, [9.0, 9.0], FIRST) == [True, False]


def test_who_failed_competes_with_nobody() -> None:
    found = study()
    trial = found.ask()
    trial.report(0.1, FIRST)
    found.tell(trial, state=TrialState.FAIL)
    assert continues(found, [5.0], FIRST) == [True]


def test_what_is_no_number_lags_behind() -> None:
    assert continues(study(), [1.0, float("nan"), 0.5], FIRST) == [True, False, True]
    assert continues(study(), [float("nan"), 1.0], FIRST) == [False, True]
