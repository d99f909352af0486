"""What is to be small, or large, on the tuning slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

METRICS = {"log_loss": "tuning_log_loss", "accuracy": "tuning_accuracy", "latency": "tuning_ms_per_image"}
LARGE_IS_GOOD = ("accuracy",)


def goals(objective: str) -> list[str]:
    """The goals of an objective: one, or two with a comma between them."""
    return objective.split(",")


def directions(objective: str) -> list[str]:
    """Which way each goal goes, in Optuna's words."""
    return ["maximize" if goal in LARGE_IS_GOOD else "minimize" for goal in goals(objective)]


def values(objective: str, metrics: Mapping[str, float]) -> list[float]:
    """What a trial with these metrics has reached, goal by goal."""
    return [metrics[METRICS[goal]] for goal in goals(objective)]


def knee(points: Sequence[Sequence[float]]) -> int:
    """Which of the points of a front, the small ones good, bends it most: the one nearest to the ideal corner.

    Each goal is first scaled to 0 for the best point and 1 for the worst, so that its unit does not matter.
    Source: the compromise programming of Yu, A class of solutions for group decision problems, 1973.
    """
    front = np.asarray(points, float)
    spread = np.ptp(front, axis=0)
    scaled = (front - front.min(axis=0)) / np.where(spread > 0, spread, 1)
    return int(np.square(scaled).sum(axis=1).argmin())
