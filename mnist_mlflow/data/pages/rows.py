"""Reading order: rows from top to bottom, each from left to right, also where they are slanted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

STEEPEST = 0.35  # rise to run of a slanted row
APART = 0.6  # of the usual height: so far apart are the middles of two rows at least

Order = npt.NDArray[np.intp]


def in_rows(boxes: npt.NDArray[np.int32]) -> list[Order]:
    """The numbers of boxes (n, 4), x, y, w and h, for each row from left to right.

    All rows have one slant, the usual one of digits and their neighbours on the right.
    """
    if not len(boxes):
        return []
    x, y = (boxes[:, :2] + boxes[:, 2:] / 2).T
    level = y - _slant(x, y, boxes[:, 3]) * x
    order = np.argsort(level, kind="stable")
    usual = np.median(boxes[:, 3])
    rows: list[list[int]] = []
    for number in order:
        middle = np.median(level[rows[-1][-3:]]) if rows else -np.inf
        if level[number] - middle > APART * usual:
            rows.append([])
        rows[-1].append(int(number))
    return [np.array(sorted(row, key=lambda number: x[number])) for row in rows]


def _slant(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], heights: npt.NDArray[np.int32]) -> float:
    """The rise to run of rows: the median over digits and their nearest neighbours on the right."""
    run, rise = x[None] - x[:, None], y[None] - y[:, None]
    beside = (run > 0.3 * heights[:, None]) & (np.abs(rise) <= STEEPEST * run)
    distances = np.where(beside, np.hypot(run, 2 * rise), np.inf)
    nearest = distances.argmin(axis=1)
    number = np.flatnonzero(beside.any(axis=1))
    return float(np.median(rise[number, nearest[number]] / run[number, nearest[number]])) if len(number) else 0.0
