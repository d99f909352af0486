"""Trials as a study keeps them, typed.

Beside what Optuna knows, a trial carries `run` (the run that it belongs to), `owner` (the process that tries it, from
its claim on) and, from its end on, `outcome`. A trial that failed without an outcome was killed with its process.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from mnist_mlflow.processes import Owner, as_owner
from mnist_mlflow.types import Labels, Probabilities

MOST_KILLS = 3  # of processes that tried the same hyperparameters: by then, these are the cause
ENDED = ("complete", "pruned", "fail")


@dataclass(frozen=True)
class TrialRecord:
    """A trial, as its study knows it; times are in milliseconds since the epoch, 0 for those to come."""

    trial: FrozenTrial
    number: int  # the position in the study, from 0
    state: str  # Optuna's in lower case: `complete`, `pruned`, `fail`, `running` or `waiting`
    run_id: str  # of the run that the trial belongs to
    owner: Owner | None  # the process that tries the trial; None before its claim
    repeats: int | None  # the number of the trial that this one repeats
    start_ms: int
    end_ms: int
    params: dict[str, Any]  # the hyperparameters that the trial chose, without those that the search holds
    values: list[float]  # of the goals; of a pruned trial that of its last rung, of a failed one none
    rungs: list[tuple[int, float]]  # those that the trial reached, in order, each with the value there
    metrics: dict[str, float]  # on the tuning slice when the trial ended
    seconds: float | None  # the duration; None for a trial that was killed
    failure: str  # the reason why a trial failed, was interrupted or killed; empty for others
    was_killed: bool  # its process ended before it wrote an outcome
    kills: int  # the processes that these hyperparameters have cost, with earlier attempts
    must_be_repeated: bool  # it was interrupted, or killed, and its hyperparameters have not killed three processes

    @property
    def is_complete(self) -> bool:
        """True for a trial that learned to the end."""
        return self.state == "complete"

    @property
    def has_ended(self) -> bool:
        """True for a trial that is complete, pruned or failed."""
        return self.state in ENDED

    @property
    def counts(self) -> bool:
        """True for a trial that ended and is not repeated."""
        return self.has_ended and not self.must_be_repeated

    @property
    def losses(self) -> npt.NDArray[np.float64]:
        """The log loss of each tuning image (n,), negative where the digit was misread."""
        return decode(self.trial.user_attrs["outcome"]["losses"])


def read_record(trial: FrozenTrial) -> TrialRecord:
    """A trial of a study, typed."""
    attributes, outcome = trial.user_attrs, trial.user_attrs.get("outcome", {})
    has_failed = trial.state == TrialState.FAIL
    was_killed = has_failed and not outcome
    kills = int(attributes.get("kills", 0)) + (was_killed and "owner" in attributes)  # without one, it had not begun
    reason = outcome.get("failure") or outcome.get("interruption") or "its process was killed"
    return TrialRecord(
        trial,
        trial.number,
        state=trial.state.name.lower(),
        run_id=attributes.get("run", ""),
        owner=as_owner(attributes.get("owner")),
        repeats=attributes.get("repeats"),
        start_ms=_milliseconds(trial.datetime_start),
        end_ms=_milliseconds(trial.datetime_complete),
        params=dict(trial.params),
        values=list(trial.values or []),
        rungs=sorted(trial.intermediate_values.items()),
        metrics=dict(outcome.get("metrics", {})),
        seconds=outcome.get("seconds"),
        failure=reason if has_failed else "",
        was_killed=was_killed,
        kills=kills,
        must_be_repeated=has_failed and "failure" not in outcome and kills < MOST_KILLS,
    )


def read_records(study: Study, ended_trials: Mapping[int, TrialRecord]) -> list[TrialRecord]:
    """All trials of a study, in order; of those that had ended before, by number, the records stay."""
    return [ended_trials.get(trial.number) or read_record(trial) for trial in study.get_trials(deepcopy=False)]


def counted_trials(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The trials that count: all that ended by themselves, and those that kill their process every time."""
    return [record for record in records if record.counts]


def signed_losses(probabilities: Probabilities, labels: Labels) -> npt.NDArray[np.float16]:
    """The log loss of each image (n,), negative where the digit was misread: trials are compared by it."""
    rows = np.arange(len(labels))
    losses = np.abs(np.log(np.maximum(probabilities[rows, labels], np.finfo(np.float32).tiny)))
    return np.where(probabilities.argmax(axis=1) == labels, losses, -losses).astype(np.float16)


def encode(array: npt.NDArray[np.float16]) -> str:
    """An array as text, the only form that a study keeps."""
    return base64.b64encode(array.astype("<f2").tobytes()).decode()


def decode(text: str) -> npt.NDArray[np.float64]:
    """The array that `encode` turned into text."""
    return np.frombuffer(base64.b64decode(text), "<f2").astype(np.float64)


def _milliseconds(moment: datetime | None) -> int:
    return int(moment.timestamp() * 1000) if moment else 0
