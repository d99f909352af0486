"""Proposals that depend on the seed, the trial's number and the trials before it, and on nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial


class NumberedSampler(TPESampler):  # type: ignore[misc]
    """A tree-structured Parzen estimator with another seed for each trial.

    With one seed for all, a study that several processes share, or that is continued, would propose the same twice.
    Source: Bergstra et al., Algorithms for hyper-parameter optimization, 2011, as in Optuna.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed)
        self.seed = seed

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Start as a new sampler with the seed of this trial."""
        seed = np.random.SeedSequence((self.seed, trial.number)).generate_state(1)[0]
        super().__init__(seed=int(seed))
        super().before_trial(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Proposals for hyperparameters that all trials have.

        Optuna writes them as an attribute too, for those who see but the first of them. Ours are written at once.
        """
        proposals: dict[str, Any] = self._sample_relative(study, trial, search_space)
        return proposals
