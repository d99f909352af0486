"""The trials of a study, of which only what has changed is read; that of this process is known."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages._cached_storage import _CachedStorage, _StudyInfo
from optuna.trial import FrozenTrial, TrialState

from mnist_mlflow.search.storage import PatientStorage, TrialNews, as_read


class TrialCache(_CachedStorage):  # type: ignore[misc]
    """Optuna's cache of the trials that have ended, which also knows the one that this process tries.

    What this process writes of its own trial is known here, and is not read again. It is written in few transactions:
    hyperparameters and attributes wait for `flush`, a report or the end.
    """

    def __init__(self, backend: PatientStorage) -> None:
        super().__init__(backend)
        self._studies: dict[int, _StudyInfo] = defaultdict(_StudyInfo)
        self._own: Any = None  # the FrozenTrial of this process
        self._news = TrialNews()

    def begin_trial(self, study_id: int, user_attrs: Mapping[str, Any], system_attrs: Mapping[str, Any]) -> int:
        """Create a trial of this process, which runs, and return its id."""
        self._own = self._backend.begin_trial(study_id, user_attrs, system_attrs)
        study = self._studies[study_id]
        self._add_trials_to_cache(study_id, [self._own])
        study.unfinished_trial_ids.add(self._own._trial_id)
        if len(study.trials) == self._own.number + 1:  # all before it are known
            study.last_finished_trial_id = self._own._trial_id
        return int(self._own._trial_id)

    def adopt_trial(self, trial_id: int) -> None:
        """Read once a trial that this process tries from now on."""
        study_id, _ = self._trial_id_to_study_id_and_number[trial_id]
        self._own = self._backend.get_trial(trial_id)
        self._add_trials_to_cache(study_id, [self._own])

    def release_trial(self) -> None:
        """Write what is still to be written of this process's trial, which it tries no more."""
        with contextlib.suppress(UpdateFinishedTrialError):
            self.flush()
        self._own = None

    def flush(self) -> None:
        """Write what is new of this process's trial; raises UpdateFinishedTrialError where others have closed it."""
        if self._own and self._news != TrialNews():
            self._own = self._write()

    def _write(self, **end: Any) -> FrozenTrial:
        trial, news = self._own, dataclasses.replace(self._news, **end)
        self._own, self._news = None, TrialNews()  # where it fails, the trial is read again
        self._backend.write_trial(trial._trial_id, news)
        return trial

    def _owns(self, trial_id: int) -> bool:
        return self._own is not None and self._own._trial_id == trial_id

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """A trial, as it is now."""
        return copy.deepcopy(self._own) if self._owns(trial_id) else super().get_trial(trial_id)

    def set_trial_param(self, trial_id: int, name: str, value: float, distribution: BaseDistribution) -> None:
        """Set a hyperparameter; raises ValueError for one that other trials chose from another kind of range."""
        if self._owns(trial_id):
            check_distribution_compatibility(self._earlier_distribution(name, distribution), distribution)
            self._news.params[name] = value, distribution
            self._own.params[name] = distribution.to_external_repr(value)
            self._own.distributions[name] = distribution
        else:
            super().set_trial_param(trial_id, name, value, distribution)

    def _earlier_distribution(self, name: str, default: BaseDistribution) -> BaseDistribution:
        study_id, _ = self._trial_id_to_study_id_and_number[self._own._trial_id]
        trials = self._studies[study_id].trials.values()
        return next((trial.distributions[name] for trial in trials if name in trial.distributions), default)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set an attribute; that of another trial, or one that has been set before, is written at once."""
        if self._owns(trial_id) and key not in self._own.user_attrs:
            self._news.user_attrs[key] = value
        else:
            self.flush()
            super().set_trial_user_attr(trial_id, key, value)
        if self._owns(trial_id):
            self._own.user_attrs[key] = as_read(value)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set an attribute of Optuna's."""
        super().set_trial_system_attr(trial_id, key, value)
        if self._owns(trial_id):
            self._own.system_attrs[key] = as_read(value)

    def set_trial_intermediate_value(self, trial_id: int, step: int, value: float) -> None:
        """Report a value."""
        if self._owns(trial_id):
            self._news.intermediate_values[step] = self._own.intermediate_values[step] = value
            self.flush()
        else:
            super().set_trial_intermediate_value(trial_id, step, value)

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """End a trial, or begin one that waits; returns False where another process has begun it."""
        if not self._owns(trial_id):
            return bool(super().set_trial_state_values(trial_id, state, values))
        end = datetime.now(UTC).astimezone().replace(tzinfo=None)  # local and without a zone, as Optuna's
        trial = self._write(state=state, values=values or (), end=end)
        trial.state, trial.values, trial.datetime_complete = state, values, end
        study_id, _ = self._trial_id_to_study_id_and_number[trial_id]
        self._studies[study_id].unfinished_trial_ids.discard(trial_id)
        return True

    def _read_trials_from_remote_storage(self, study_id: int) -> None:
        """Read the trials that are new, and those of others that had not ended.

        Trials are created one after another, so that all up to the last one that was read are known.
        """
        with self._lock:
            study, own = self._studies[study_id], self._own._trial_id if self._own else None
            unfinished, last = study.unfinished_trial_ids - {own}, study.last_finished_trial_id
            if not unfinished and last == self._backend.latest_trial(study_id):
                return
            read = self._backend._get_trials(study_id, None, unfinished, last)
            trials = [trial for trial in read if trial._trial_id != own]
            self._add_trials_to_cache(study_id, trials)
            study.unfinished_trial_ids -= {trial._trial_id for trial in trials if trial.state.is_finished()}
            study.unfinished_trial_ids |= {trial._trial_id for trial in trials if not trial.state.is_finished()}
            study.last_finished_trial_id = max([last, *(trial._trial_id for trial in trials)])
