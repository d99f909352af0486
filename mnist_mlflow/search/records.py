"""Trials as a study keeps them, typed.

Beside what Optuna knows, a trial carries `run` (the run that it belongs to), `owner` (the process that tries it, from
its claim on) and, from its end on, `outcome`. A trial that failed without an outcome was killed with its process.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from mnist_mlflow.processes import Owner
from mnist_mlflow.types import Labels, Probabilities

MOST_KILLS = 3  # of processes that tried the same hyperparameters: by then, these are the cause
ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass(frozen=True)
class TrialRecord:
    """A trial, as its study knows it."""

    trial: FrozenTrial

    @property
    def number(self) -> int:
        """The position in the study, from 0."""
        return int(self.trial.number)

    @property
    def state(self) -> str:
        """Optuna's state in lower case: `complete`, `pruned`, `fail`, `running` or `waiting`."""
        return str(self.trial.state.name.lower())

    @property
    def has_ended(self) -> bool:
        """True for a trial that is complete, pruned or failed."""
        return self.trial.state in ENDED

    @property
    def is_complete(self) -> bool:
        """True for a trial that learned to the end."""
        return bool(self.trial.state == TrialState.COMPLETE)

    @property
    def start_ms(self) -> int:
        """The start, in milliseconds since the epoch; 0 for a trial that waits."""
        return _milliseconds(self.trial.datetime_start)

    @property
    def end_ms(self) -> int:
        """The end, in milliseconds since the epoch; 0 for a trial that has not ended."""
        return _milliseconds(self.trial.datetime_complete)

    @property
    def params(self) -> dict[str, Any]:
        """The hyperparameters that the trial chose, without those that the search holds."""
        return dict(self.trial.params)

    @property
    def values(self) -> list[float]:
        """The values of the goals; of a pruned trial that of its last rung, of a failed one none."""
        return list(self.trial.values or [])

    @property
    def rungs(self) -> list[tuple[int, float]]:
        """The value at each rung that the trial reached, in order."""
        return sorted(self.trial.intermediate_values.items())

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics on the tuning slice when the trial ended."""
        return dict(self._outcome.get("metrics", {}))

    @property
    def losses(self) -> npt.NDArray[np.float64]:
        """The log loss of each tuning image (n,), negative where the digit was misread."""
        return decode(self._outcome["losses"])

    @property
    def seconds(self) -> float | None:
        """The duration; None for a trial that was killed."""
        return self._outcome.get("seconds")

    @property
    def failure(self) -> str:
        """The reason why a trial failed, was interrupted or killed; empty for others."""
        if self.trial.state != TrialState.FAIL:
            return ""
        reason: str = self._outcome.get("failure") or self._outcome.get("interruption") or "its process was killed"
        return reason

    @property
    def was_killed(self) -> bool:
        """True for a trial whose process ended before it wrote an outcome."""
        return self.trial.state == TrialState.FAIL and not self._outcome

    @property
    def kills(self) -> int:
        """The processes that these hyperparameters have cost, with earlier attempts."""
        return int(self.trial.user_attrs.get("kills", 0)) + self.was_killed

    @property
    def must_be_repeated(self) -> bool:
        """True for a trial that was interrupted, or killed, unless its hyperparameters have killed three processes."""
        return self.trial.state == TrialState.FAIL and "failure" not in self._outcome and self.kills < MOST_KILLS

    @property
    def counts(self) -> bool:
        """True for a trial that ended and is not repeated."""
        return self.has_ended and not self.must_be_repeated

    @property
    def repeats(self) -> int | None:
        """The number of the trial that this one repeats."""
        return self.trial.user_attrs.get("repeats")  # type: ignore[no-any-return]

    @property
    def owner(self) -> Owner | None:
        """The process that tries the trial; None before its claim."""
        return self.trial.user_attrs.get("owner")  # type: ignore[no-any-return]

    @property
    def run_id(self) -> str:
        """The id of the run that the trial belongs to."""
        return str(self.trial.user_attrs["run"])

    @property
    def _outcome(self) -> dict[str, Any]:
        return self.trial.user_attrs.get("outcome", {})  # type: ignore[no-any-return]


def read_records(study: Study) -> list[TrialRecord]:
    """All trials of a study, in order."""
    return [TrialRecord(trial) for trial in study.get_trials(deepcopy=False)]


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
