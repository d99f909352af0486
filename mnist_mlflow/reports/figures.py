"""Figures as texts: p-values, means with their spread, differences in points."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import mean, stdev

NOT_RECORDED = "-"
DIGEST = re.compile(r"\b[0-9a-f]{32,}\b")
SHORT = 8  # characters of an id or a digest


def p_text(p_value: float) -> str:
    """A p-value in two digits."""
    return "< 0.0001" if p_value < 1e-4 else f"{p_value:.2g}"


def openings_text(openings: int) -> str:
    """The number of openings of the test images of a split, in words; nobody counts what he may not see."""
    times = "once" if openings == 1 else f"{openings} times"
    return f"The test images of this split have been opened {times}, counted over all runs that the account may see."


def time_text(ms: int) -> str:
    """A time in milliseconds since the epoch, to the minute."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def spread(values: Sequence[float], form: str, factor: float = 1) -> str:
    """A figure, or the mean of several with their standard deviation, in a form like `.2f`; a dash for none."""
    if not values:
        return NOT_RECORDED
    scaled = [factor * value for value in values]
    return f"{mean(scaled):{form}}" + (f" ± {stdev(scaled):{form}}" if len(scaled) > 1 else "")


def bounds(low: float, high: float, form: str, factor: float = 1) -> str:
    """An interval."""
    return f"{factor * low:{form}} to {factor * high:{form}}"


def with_short_digests(text: str) -> str:
    """A text with the beginnings of the ids and digests in it."""
    return DIGEST.sub(lambda digest: digest[0][:SHORT], text)
