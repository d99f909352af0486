"""Proposals that depend on the seed, the trial's number and the trials before it, and on nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState


class NumberedSampler(BaseSampler):  # type: ignore[misc]
    """A tree-structured Parzen estimator with another seed for each trial.

    One seed for all would make a study that is taken up again, or that several processes share, propose twice what
    it has proposed before. Source: Bergstra et al., Algorithms for hyper-parameter optimization, 2011, as in Optuna.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.sampler = TPESampler(seed=seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Begin anew, with the seed of this trial."""
        seed = np.random.SeedSequence((self.seed, trial.number)).generate_state(1)[0]
        self.sampler = TPESampler(seed=int(seed))
        self.sampler.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """What is sampled together."""
        space: dict[str, BaseDistribution] = self.sampler.infer_relative_search_space(study, trial)
        return space

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Hyperparameters that depend on each other."""
        sampled: dict[str, Any] = self.sampler.sample_relative(study, trial, search_space)
        return sampled

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A hyperparameter by itself."""
        return self.sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Any) -> None:
        """A trial has ended."""
        self.sampler.after_trial(study, trial, state, values)
