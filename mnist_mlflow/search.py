"""An Optuna study inside a run: it proposes hyperparameters and keeps the best."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from mnist_mlflow.algorithms.base import Algorithm, resolve
from mnist_mlflow.errors import Failure

Objective = Callable[[int, Any], float]  # a trial's number and its hyperparameters -> what is to be small


def search(algorithm: Algorithm, given: Mapping[str, Any], trials: int, seed: int, objective: Objective) -> Any:
    """The hyperparameters that make `objective` smallest among `trials`, the first of which are the defaults.

    What was `given` is held fixed, and so is what the search space leaves out. A trial that raises Failure counts as
    failed and the search goes on; a search whose trials have all failed raises the first reason.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    defaults = resolve(algorithm, given)
    study.enqueue_trial(dataclasses.asdict(defaults))
    proposed: dict[int, Any] = {}
    reasons: list[str] = []

    def run_trial(trial: optuna.Trial) -> float:
        suggested = dataclasses.asdict(algorithm.suggest(trial))
        free = {name: suggested[name] for name in trial.params if name not in given}
        proposed[trial.number] = dataclasses.replace(defaults, **free)
        try:
            return objective(trial.number, proposed[trial.number])
        except Failure as error:
            reasons.append(str(error))
            raise

    study.optimize(run_trial, n_trials=trials, catch=Failure)
    if len(reasons) == trials:
        raise Failure(f"All {trials} trials failed, the first one so: {reasons[0]}")
    return proposed[study.best_trial.number]
