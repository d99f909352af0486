"""Goals on the tuning slice: one, or two with a comma between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

METRICS = {"log_loss": "tuning_log_loss", "accuracy": "tuning_accuracy", "latency": "tuning_ms_per_image"}
TITLES = {
    "log_loss": "nats of log loss on the tuning slice",
    "accuracy": "share of the tuning slice that is read right",
    "latency": "ms/image",
}
MAXIMIZED = ("accuracy",)


def goals(objective: str) -> list[str]:
    """The goals of an objective."""
    return objective.split(",")


def directions(objective: str) -> list[str]:
    """The direction of each goal, in Optuna's words."""
    return ["maximize" if goal in MAXIMIZED else "minimize" for goal in goals(objective)]


def values_of(objective: str, metrics: Mapping[str, float]) -> list[float]:
    """The value of each goal for a trial with these metrics."""
    return [metrics[METRICS[goal]] for goal in goals(objective)]


def costs_of(objective: str, values: Sequence[float]) -> list[float]:
    """The values with such signs that small ones are good."""
    return [-value if goal in MAXIMIZED else value for goal, value in zip(goals(objective), values, strict=True)]


def knee(points: Sequence[Sequence[float]]) -> int:
    """The point of a front, the small ones good, that is nearest to the ideal corner.

    Each goal is scaled to 0 for the best point and 1 for the worst: its unit does not matter.
    Source: the compromise programming of Yu, A class of solutions for group decision problems, 1973.
    """
    front = np.asarray(points, float)
    spread = np.ptp(front, axis=0)
    scaled = (front - front.min(axis=0)) / np.where(spread > 0, spread, 1)
    return int(np.square(scaled).sum(axis=1).argmin())
