"""A vote of classifiers that have learned: their probabilities, averaged with weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms.base import Classifier, Watch
from mnist_mlflow.evaluation.voting import SMALLEST, average
from mnist_mlflow.types import Images, Part


class Ensemble(Classifier):
    """Asks its members; has nothing to learn but the common calibration."""

    library = "numpy"

    def __init__(self, members: Sequence[Classifier], weights: Sequence[float]) -> None:
        self.members, self.weights = members, np.asarray(weights)
        self.requirements = tuple(sorted({name for member in members for name in member.requirements}))

    def _learn(self, train: Part, tuning: Part, watch: Watch) -> None:
        """The members have learned."""

    def _scores(self, images: Images) -> npt.NDArray[np.floating]:
        votes = np.stack([member.predict_proba(images) for member in self.members])
        scores: npt.NDArray[np.floating] = np.log(np.maximum(average(votes, self.weights), SMALLEST))
        return scores

    def _save(self, folder: Path) -> None:
        """The members' own files are kept beside it, as they were logged."""

    def _restore(self, folder: Path) -> None:
        """The members have been restored before."""
