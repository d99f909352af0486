"""The queue of a study: admits trials, assigns them to processes, and repeats those that were lost.

Counting, enqueueing, asking and claiming are one step under one lock: all processes together never try
too many. Under the lock every running trial has an owner: one without lost its process before the claim.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TypeVar

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage, fail_stale_trials
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.exc import SQLAlchemyError

from mnist_mlflow.processes import Owner, is_gone, is_this_process, this_process
from mnist_mlflow.search.cache import TrialCache
from mnist_mlflow.search.records import TrialRecord, counted_trials, read_records
from mnist_mlflow.search.spec import SearchSpec
from mnist_mlflow.search.storage import lost_connection, study_lock
from mnist_mlflow.search.studies import open_storage, open_study, silence_experimental_warnings

Result = TypeVar("Result")


class TrialQueue:
    """The trials of a search, shared with all processes that have joined its study."""

    def __init__(self, spec: SearchSpec, storage: RDBStorage | None = None) -> None:
        self.spec, self.owner = spec, this_process()
        self.storage = storage or open_storage(spec.storage)
        self._open()

    def _open(self) -> None:
        self.cache = TrialCache(self.storage)
        self.study = open_study(self.spec, self.cache)
        self._ended: dict[int, TrialRecord] = {}  # by number

    def close(self) -> None:
        """Give the connections back to the database."""
        self.storage.remove_session()
        self.storage.engine.dispose()

    def records(self) -> list[TrialRecord]:
        """All trials so far."""
        records = read_records(self.study, self._ended)
        self._ended = {record.number: record for record in records if record.has_ended}
        return records

    def next(self) -> optuna.Trial | None:
        """A trial for this process to try; None when enough trials have ended or are running, or time is up.

        Call it while this process tries nothing: a trial that it still owns counts as lost.
        """
        return self._locked(self._admit_next)

    def is_over(self, records: Sequence[TrialRecord] | None = None) -> bool:
        """True once enough trials have ended, or the time is up."""
        wanted = self.spec.n_trials
        counted = len(counted_trials(self.records() if records is None else records)) if wanted else 0
        return self.spec.is_late() or (wanted is not None and counted >= wanted)

    def requeue_lost_trials(self) -> list[TrialRecord]:
        """Close the trials whose process is gone, enqueue their repetitions, and return all trials.

        Call it while this process tries nothing. The next call completes one that is killed.
        """
        return self._locked(self._requeue_lost_trials)

    def _locked(self, act: Callable[[], Result]) -> Result:
        """Act as one step that no other process comes between; again, where a restart of the database broke it off."""
        self.cache.release_trial()
        while True:
            try:
                with study_lock(self.storage, self.spec.study):
                    return act()
            except (StorageInternalError, SQLAlchemyError) as error:
                if not lost_connection(error):
                    raise
                self._open()  # the cache of this one knows trials that never were

    def _admit_next(self) -> optuna.Trial | None:
        records, wanted = self._requeue_lost_trials(), self.spec.n_trials
        running = sum(record.state == "running" for record in records)
        if self.spec.is_late() or (wanted is not None and len(counted_trials(records)) + running >= wanted):
            return None
        if any(record.state == "waiting" for record in records):
            return self._claim_next()
        return self._begin(first=not records)

    def _requeue_lost_trials(self) -> list[TrialRecord]:
        records = self.records()
        if any(record.state == "running" for record in records):
            with silence_experimental_warnings():
                fail_stale_trials(self.study)  # only the heartbeat tells of processes on other machines
            records = self.records()
        if lost_trials := [record for record in records if record.state == "running" and _is_lost(record.owner)]:
            for record in lost_trials:
                self.study.tell(record.number, state=TrialState.FAIL, skip_if_finished=True)
            records = self.records()
        numbers = {record.repeats for record in records}
        if repetitions := [
            _repetition(record, self.spec.run_id)
            for record in records
            if record.must_be_repeated and record.number not in numbers
        ]:
            self.study.add_trials(repetitions)
            records = self.records()
        return records

    def _begin(self, first: bool) -> optuna.Trial:
        """Begin a new trial of this process; the first of a study has the default hyperparameters."""
        fixed_params = vars(self.spec.space.defaults) if first else {}
        attributes = {"run": self.spec.run_id, "owner": self.owner}
        trial_id = self.cache.begin_trial(self.study._study_id, attributes, {"fixed_params": fixed_params})
        return optuna.Trial(self.study, trial_id)

    def _claim_next(self) -> optuna.Trial:
        """Claim a trial that waits, for this process."""
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            trial = self.study.ask()  # warns that `optimize` alone beats; the runner beats too
        self.cache.adopt_trial(trial._trial_id)
        self.storage.record_heartbeat(trial._trial_id)  # without one, Optuna never gives up a machine that dies now
        trial.set_user_attr("owner", self.owner)
        trial.set_user_attr("run", self.spec.run_id)
        self.cache.flush()
        return trial


def _is_lost(owner: Owner | None) -> bool:
    return owner is None or is_this_process(owner) or is_gone(owner)


def _repetition(record: TrialRecord, run_id: str) -> FrozenTrial:
    trial = record.trial
    fixed = {key: trial.system_attrs[key] for key in ("fixed_params",) if key in trial.system_attrs}
    return create_trial(
        state=TrialState.WAITING,
        params=trial.params,
        distributions=trial.distributions,
        system_attrs=fixed,
        user_attrs={"run": run_id, "repeats": record.number, "kills": record.kills},
    )
