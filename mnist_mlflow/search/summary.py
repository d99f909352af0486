"""What came of a study: the best trial, how it compares with the defaults, and a table of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mnist_mlflow.evaluation.pareto import pareto_front
from mnist_mlflow.evaluation.significance import paired_difference
from mnist_mlflow.search.objectives import goals, knee
from mnist_mlflow.search.queue import ENDED, failure, outcome
from mnist_mlflow.search.runner import decode
from mnist_mlflow.search.space import Space

if TYPE_CHECKING:
    import pandas as pd

Interval = tuple[float, float, float]  # a mean, and the ends of its 95 % interval


@dataclass(frozen=True)
class Comparison:
    """The best trial against the defaults on the tuning slice: the best's figures minus the defaults'."""

    log_loss: Interval
    accuracy: Interval


def best_trial(trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]) -> FrozenTrial | None:
    """The best of the complete trials, the earliest of equals; with two goals the knee of the Pareto front."""
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    if not complete:
        return None
    signs = [-1 if direction == StudyDirection.MAXIMIZE else 1 for direction in directions]
    points = np.array([np.multiply(signs, trial.values) for trial in complete])
    front = pareto_front(points)
    return complete[front[knee(points[front].tolist())]]


def kept_trial(done: Sequence[FrozenTrial], directions: Sequence[StudyDirection], space: Space) -> FrozenTrial | None:
    """The best of the trials that count; none while the defaults are not among them, for they may be better."""
    return best_trial(done, directions) if any(_has_defaults(trial, space) for trial in done) else None


def default_trial(trials: Sequence[FrozenTrial], space: Space) -> FrozenTrial | None:
    """The complete trial of the default hyperparameters, if there is one."""
    complete = (trial for trial in trials if trial.state == TrialState.COMPLETE)
    return next((trial for trial in complete if _has_defaults(trial, space)), None)


def _has_defaults(trial: FrozenTrial, space: Space) -> bool:
    return bool(space.complete(trial.params) == space.defaults)


def compare(default: FrozenTrial, best: FrozenTrial) -> Comparison:
    """How two complete trials differ, image by image."""
    before, after = (decode(outcome(trial)["losses"]) for trial in (default, best))
    right = [~np.signbit(losses) for losses in (before, after)]
    return Comparison(paired_difference(abs(before), abs(after)), paired_difference(*right))


def params_of(trial: FrozenTrial, space: Space) -> dict[str, Any]:
    """All hyperparameters of a trial, the defaults where it ended before it had chosen."""
    params: dict[str, Any] = vars(space.complete(trial.params))
    return params


def milliseconds(moment: datetime | None) -> int:
    """A moment as MLflow knows it, since the epoch."""
    return int(moment.timestamp() * 1000) if moment else 0


def metrics_of(trial: FrozenTrial) -> Mapping[str, float]:
    """What a trial had reached when it ended."""
    found: Mapping[str, float] = outcome(trial).get("metrics", {})
    return found


def reasons(trials: Sequence[FrozenTrial]) -> list[str]:
    """Why trials have failed, in the order of the trials."""
    return [reason for trial in trials if (reason := failure(trial))]


def table(trials: Sequence[FrozenTrial], space: Space, objective: str) -> pd.DataFrame:
    """A row for each trial that has ended: its state, what it aimed at, its hyperparameters, and why it failed."""
    import pandas as pd

    rows = [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            **dict(zip(goals(objective), trial.values or [None, None], strict=False)),
            **metrics_of(trial),
            "seconds": outcome(trial).get("seconds"),
            **params_of(trial, space),
            "failure": failure(trial),
        }
        for trial in trials
        if trial.state in ENDED
    ]
    return pd.DataFrame(rows)
