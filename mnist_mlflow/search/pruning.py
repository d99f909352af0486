"""Breaking off what lags behind: asynchronous successive halving, milder at the end."""

from __future__ import annotations

import math

from optuna import Study
from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

# At which stages, in 32nds of the learning, trials are compared; and of how many that got there the best one goes on.
STAGES = {2: 8, 16: 2}
LATEST = 24  # trials, by number, that reached a stage: among them, too, one has to belong to the best share


class StagePruner(BasePruner):  # type: ignore[misc]
    """Lets go on who is among the best that reached the same stage, of all and of the latest, while there is place.

    The best of all goes on, place or no place, and so do the defaults.

    Optuna's SuccessiveHalvingPruner cuts off the same share at every stage. Those that are left at a late one differ
    by little more than chance, so that it would end nearly as good ones, and complete too few to find the best. And it
    compares with all trials: the better a sampler gets, the more of its trials are ahead of all earlier ones, until
    it breaks off half of them where it should seven eighths. Hence the latest; and hence the places, which are as many
    as the share allows, and of which those take one too that were the best in their time.
    Source: Li et al., A system for massively parallel hyperparameter tuning, 2020.
    """

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether a trial that has just reported is to be broken off."""
        stage = trial.last_step
        if stage is None or _is_by_name(trial):  # what was put up by name is tried to the end
            return False
        others = [other for other in study.get_trials(deepcopy=False) if _is_rival(other, trial, stage)]
        sign, of = -1 if study.direction == StudyDirection.MAXIMIZE else 1, STAGES[stage]
        *earlier, value = (sign * one.intermediate_values[stage] for one in [*others, trial])
        if value < min(earlier, default=math.inf):
            return False
        values = [*earlier, value]
        has_place = sum(_went_on(other, stage) for other in others) < len(values) // of
        return not (has_place and all(value <= _last_to_go_on(some, of) for some in (values, values[-LATEST:])))


def _is_by_name(trial: FrozenTrial) -> bool:
    return bool(trial.system_attrs.get("fixed_params"))


def _is_rival(other: FrozenTrial, trial: FrozenTrial, stage: int) -> bool:
    """Whether another has reached the stage; one that failed, or was killed and is repeated, competes with nobody."""
    reached = not math.isnan(other.intermediate_values.get(stage, math.nan))
    return reached and other.state != TrialState.FAIL and other.number != trial.number


def _went_on(trial: FrozenTrial, stage: int) -> bool:
    """Whether it was let past a stage by what it gave there."""
    return not (_is_by_name(trial) or (trial.state == TrialState.PRUNED and trial.last_step == stage))


def _last_to_go_on(values: list[float], of: int) -> float:
    """The worst value of the best share, of `of` values or more."""
    return sorted(values)[len(values) // of - 1]
