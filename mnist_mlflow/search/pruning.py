"""Pruning of laggards: asynchronous successive halving, milder at the end."""

from __future__ import annotations

import math

from optuna import Study
from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

WHOLE = 32  # rungs are counted in such parts of the learning
RUNGS = {2: 8, 16: 2}  # where trials are compared; the best one of so many that got there continues
LATEST = 24  # trials, by number, that reached a rung


class RungPruner(BasePruner):  # type: ignore[misc]
    """Continues a trial in the top share of its rung, overall and among the latest 24, while slots are free.

    A rung has as many slots as its share allows; trials that once were the best fill slots too. The best of all
    continues without a slot, and the defaults are never pruned.

    Optuna's SuccessiveHalvingPruner prunes the same share at every rung. At a late one the trials differ by little more
    than chance. It would prune nearly as good ones, and complete too few to find the best. It also compares with all
    trials. The better a sampler gets, the more of its trials are ahead of all earlier ones. In the end half of them
    continue where an eighth should: the latest 24 and the slots prevent that.
    Source: Li et al., A system for massively parallel hyperparameter tuning, 2020.
    """

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """True if a trial that has just reported is a laggard."""
        rung = trial.last_step
        if rung is None or _has_fixed_params(trial):
            return False
        rivals = [other for other in study.get_trials(deepcopy=False) if _is_rival(other, trial, rung)]
        sign, share = -1 if study.direction == StudyDirection.MAXIMIZE else 1, RUNGS[rung]
        *earlier, value = (sign * one.intermediate_values[rung] for one in [*rivals, trial])
        if value < min(earlier, default=math.inf):
            return False
        values = [*earlier, value]
        has_slot = sum(_takes_slot(rival, rung) for rival in rivals) < len(values) // share
        return not (has_slot and all(value <= _threshold(some, share) for some in (values, values[-LATEST:])))


def _has_fixed_params(trial: FrozenTrial) -> bool:
    """True for the defaults, and whatever else was enqueued by its hyperparameters."""
    return bool(trial.system_attrs.get("fixed_params"))


def _is_rival(other: FrozenTrial, trial: FrozenTrial, rung: int) -> bool:
    """True if another trial reached the rung; one that failed, or was killed and is repeated, is nobody's rival."""
    reached = not math.isnan(other.intermediate_values.get(rung, math.nan))
    return reached and other.state != TrialState.FAIL and other.number != trial.number


def _takes_slot(trial: FrozenTrial, rung: int) -> bool:
    """True if a trial continued at a rung by its value there."""
    return not (_has_fixed_params(trial) or (trial.state == TrialState.PRUNED and trial.last_step == rung))


def _threshold(values: list[float], share: int) -> float:
    """The worst value of the top share, the best one of `share` values or more."""
    return sorted(values)[len(values) // share - 1]
