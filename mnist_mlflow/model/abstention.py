"""Abstention: a model says of which answers it is not sure, and why."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mnist_mlflow.errors import ParameterError
from mnist_mlflow.model.novelty import Novelty
from mnist_mlflow.model.readings import AMBIGUOUS, BLANK, NO_DIGIT
from mnist_mlflow.types import Features, Images, Probabilities

FILE = "abstention.npz"

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Abstention:
    """The confidence that a sure answer has, for each error that may be allowed, and what is no digit.

    Of the answers of more confidence than `thresholds[i]`, a share of at most `promises[i]` is wrong. Thresholds (k,)
    fall, promises (k,) rise. `max_error` is what is allowed where nobody says otherwise.
    """

    max_error: float
    thresholds: npt.NDArray[np.float64]
    promises: npt.NDArray[np.float64]
    novelty: Novelty

    def judge(
        self, images: Images, has_ink: Flags, features: Features, probabilities: Probabilities
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[Any]]:
        """The errors (n,) that are promised for answers, and the doubts (n,) about them.

        Takes canonical digits (n, 28, 28), whether their pictures had ink (n,), their HOG features (n, d) and the
        answers (n, 10). An answer is sure where the promised error is allowed; else its doubt says why not. The error
        is infinite for an image that is no digit. One that is blank though its picture had ink is none: many, noise.
        It is never below the square of the answer's own probability to be wrong. Without that the least confident ones
        could be anything, and where people write otherwise, there are more of them.
        """
        confidence = probabilities.max(axis=1)
        rising, promises = self._steps
        places = np.searchsorted(rising, -confidence, side="right")
        promised = np.maximum(promises[places], (1 - confidence) ** 2)
        doubts = np.full(len(images), AMBIGUOUS, dtype=object)
        doubts[self.novelty.is_far(features) | ~images.any(axis=(1, 2))] = NO_DIGIT
        doubts[~has_ink] = BLANK
        promised[doubts != AMBIGUOUS] = np.inf
        return promised, doubts

    @cached_property
    def _steps(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The thresholds (k,), negative so that they rise, and the promises (k + 1,): below the last there is none."""
        return -self.thresholds, np.append(self.promises, 1.0)

    def save(self, folder: Path) -> None:
        """Write `abstention.npz`."""
        arrays = {name: getattr(self, name) for name in ("max_error", "thresholds", "promises")}
        novelty = {field.name: getattr(self.novelty, field.name) for field in fields(self.novelty)}
        np.savez(folder / FILE, **arrays, **novelty)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises ValueError for what does not fit together."""
        with np.load(folder / FILE) as stored:
            arrays = {name: stored[name] for name in stored.files}
        thresholds, promises = (np.asarray(arrays[name], np.float64) for name in ("thresholds", "promises"))
        if thresholds.shape != promises.shape or thresholds.ndim != 1:
            raise ValueError(f"There are {thresholds.shape} thresholds for {promises.shape} promises.")
        if not ((thresholds[:-1] > thresholds[1:]).all() and (promises[:-1] < promises[1:]).all()):
            raise ValueError("The thresholds, or what they promise, are out of order.")
        if not ((promises > 0) & (promises <= 1)).all() or np.isnan(thresholds).any():
            raise ValueError("The thresholds, or what they promise, are no shares.")
        return cls(as_share(float(arrays["max_error"])), thresholds, promises, Novelty.from_arrays(arrays))


def as_share(max_error: Any) -> float:
    """An error that may be allowed; raises ParameterError, saying what is accepted, for what is no share."""
    try:
        share = float(max_error)
    except (TypeError, ValueError):
        share = np.nan
    if not 0 <= share <= 1:
        raise ParameterError(f"max_error={max_error!r} is no share; accepted: a number from 0 to 1, like 0.01.")
    return share
