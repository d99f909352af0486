"""Breaking off what lags behind: asynchronous successive halving, milder at the end."""

from __future__ import annotations

import math

from optuna import Study
from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

# At which stages, in 32nds of the learning, trials are compared; and of how many that got there the best one goes on.
STAGES = {2: 12, 16: 2}
LATEST = 24  # trials that came to a stage last: among them, too, one has to belong to the best share


class StagePruner(BasePruner):  # type: ignore[misc]
    """Lets go on who is among the best that have reached the same stage, of all and of the latest; the defaults always.

    Optuna's SuccessiveHalvingPruner cuts off the same share at every stage. Those that are left at a late one differ
    by little more than chance, so that it would end nearly as good ones, and complete too few to find the best. And it
    compares with all trials: the better a sampler gets, the more of its trials are ahead of all earlier ones, until
    it breaks off half of them where it should eleven twelfths. Hence the latest.
    Source: Li et al., A system for massively parallel hyperparameter tuning, 2020.
    """

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether a trial that has just reported is to be broken off."""
        stage = trial.last_step
        if stage is None or trial.system_attrs.get("fixed_params"):  # what was put up by name is tried to the end
            return False
        sign = -1 if study.direction == StudyDirection.MAXIMIZE else 1
        values = [sign * value for other in study.get_trials(deepcopy=False) for value in _reported(other, stage)]
        value = sign * trial.intermediate_values[stage]
        return not all(value <= _last_to_go_on(some, STAGES[stage]) for some in (values, values[-LATEST:]))


def _last_to_go_on(values: list[float], of: int) -> float:
    """The worst value of the best share; of few the best one goes on."""
    return sorted(values)[max(1, len(values) // of) - 1] if values else -math.inf


def _reported(trial: FrozenTrial, stage: int) -> list[float]:
    """What a trial gave at a stage; one that failed, or was killed and is repeated, competes with nobody."""
    value = trial.intermediate_values.get(stage, math.nan)
    return [] if trial.state == TrialState.FAIL or math.isnan(value) else [value]
