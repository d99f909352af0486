"""A study that outlives its processes: who tries what, what counts, and what has to be tried again.

What a trial carries beside Optuna's own: `owner` (the process that tries it), `run` (the run it belongs to) and, from
its end on, `outcome`. A trial that ended without an outcome of its own, because its process was killed or told to
stop, is put up again with the same hyperparameters.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from optuna import Study as Study
from optuna.exceptions import ExperimentalWarning
from optuna.storages import fail_stale_trials
from optuna.trial import FrozenTrial as FrozenTrial
from optuna.trial import TrialState, create_trial

from mnist_mlflow.processes import Owner, is_gone, is_this_process, this_process

MOST_KILLS = 3  # of the processes that tried the same: then it is what kills them
ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


def outcome(trial: FrozenTrial) -> dict[str, Any]:
    """How a trial ended: `seconds`, `metrics`, the `losses` of each image, and `failure` or `interruption` if any."""
    found: dict[str, Any] = trial.user_attrs.get("outcome", {})
    return found


def was_killed(trial: FrozenTrial) -> bool:
    """Whether a trial has ended without a word of its own."""
    return trial.state == TrialState.FAIL and not outcome(trial)


def failure(trial: FrozenTrial) -> str:
    """Why a trial has failed, whoever's fault it was; nothing where it has not."""
    if trial.state != TrialState.FAIL:
        return ""
    ended = outcome(trial)
    reason: str = ended.get("failure") or ended.get("interruption") or "its process was killed"
    return reason


def settled(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that count: all that ended by themselves, or killed too many."""
    return [trial for trial in trials if trial.state in ENDED and not _has_to_be_repeated(trial)]


def admit(
    study: Study,
    trials: Sequence[FrozenTrial],
    wanted: int | None,
    defaults: Mapping[str, Any],
    owner: Owner,
    run: str,
) -> bool:
    """Put up one trial more, for `owner`, unless `wanted` (None: any number) have been tried or are under way.

    The first trial of a study has the default hyperparameters. On one machine nobody else asks until the trial is
    under way; of two machines that ask in the same moment, one may try one too many.
    """
    if wanted is not None and len(settled(trials)) + _under_way(trials) >= wanted:
        return False
    if any(trial.state == TrialState.WAITING for trial in trials):
        return True
    study.enqueue_trial({} if trials else dict(defaults), user_attrs={"owner": dict(owner), "run": run})
    return True


def _under_way(trials: Sequence[FrozenTrial]) -> int:
    return sum(trial.state == TrialState.RUNNING for trial in trials)


def claim(trial: Any, owner: Owner, run: str) -> None:
    """Take over a trial that somebody else had put up."""
    mine = {"owner": dict(owner), "run": run}
    for key in mine:
        if trial.user_attrs.get(key) != mine[key]:
            trial.set_user_attr(key, mine[key])


def release(study: Study, run: str) -> Sequence[FrozenTrial]:
    """Close the trials of processes that are gone, put up again what has to be repeated, and return all trials.

    To be called when this process tries nothing: what it seems to try itself was broken off. It may be killed at any
    moment: done again, it finds what is left to do.
    """
    trials: Sequence[FrozenTrial] = study.get_trials(deepcopy=False)
    owners = {trial.number: trial.user_attrs.get("owner") for trial in trials if trial.state == TrialState.RUNNING}
    if gone := [number for number, owner in owners.items() if is_this_process(owner) or is_gone(owner)]:
        for number in gone:
            study.tell(number, state=TrialState.FAIL, skip_if_finished=True)
        trials = study.get_trials(deepcopy=False)
    repeated = {trial.user_attrs.get("repeats") for trial in trials}
    again = [trial for trial in trials if _has_to_be_repeated(trial) and trial.number not in repeated]
    for trial in again:
        study.add_trial(_again(trial, {"owner": this_process(), "run": run}))
    return study.get_trials(deepcopy=False) if again else trials


def give_up_silent(study: Study) -> None:
    """Close the trials whose process has given no sign of life for long: of other machines, nothing else is known.

    Optuna does so before each trial, but where only those are left, no trial begins.
    """
    with experimenting():
        fail_stale_trials(study)


@contextlib.contextmanager
def experimenting() -> Iterator[None]:
    """Use what Optuna calls experimental, its heartbeat, without being told so each time."""
    with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
        yield


def _has_to_be_repeated(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.FAIL and "failure" not in outcome(trial) and _kills(trial) < MOST_KILLS


def _kills(trial: FrozenTrial) -> int:
    before: int = trial.user_attrs.get("kills", 0)
    return before + was_killed(trial)


def _again(trial: FrozenTrial, claimed: Mapping[str, Any]) -> FrozenTrial:
    """The trial, to be tried again; claimed, since whoever takes it up may be killed before it claims it."""
    chosen = {
        "params": trial.params,
        "distributions": trial.distributions,
        "system_attrs": {key: trial.system_attrs[key] for key in ("fixed_params",) if key in trial.system_attrs},
    }
    attributes = {**claimed, "repeats": trial.number, "kills": _kills(trial)}
    return create_trial(state=TrialState.WAITING, user_attrs=attributes, **chosen)
