"""Marks: connected pieces of ink. Pieces of a broken digit become one; specks, dashes and frames are left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_mlflow.data.pages.ink import Mask

SMALLEST = 6  # pixels: lower marks are specks, whatever is around them
KNOWN = 0.2  # of the ink: from less, no height of digits is told
# In heights of a usual digit:
FLAT = 0.35  # lower marks are specks, dashes, points and remains of lines
HUGE, WIDE = 2.5, 5  # higher and wider marks were not written
PIECE = 0.7  # a mark as low may be a piece of a digit
DOT = 0.4  # a mark as low may be one beside it
BREAK = 0.25, 0.12  # the gap within a broken digit, down and across, is no wider
WHOLE = 1.35, 1.15  # a digit is no higher and no wider

Boxes = npt.NDArray[np.int32]  # (n, 4): x, y, w, h
Labels = npt.NDArray[np.int32]  # (h, w): the number of a mark from 1, 0 where there is none


@dataclass(frozen=True)
class Marks:
    """Marks that may be digits: where each is, and its box."""

    labels: Labels
    boxes: Boxes


def usual_height(mask: Mask) -> float:
    """The height of a usual mark in pixels, the weighted median: specks weigh little, frames nothing.

    0 where most of the ink hangs together, as on squared paper.
    """
    import cv2

    stats = cv2.connectedComponentsWithStats(mask, connectivity=8)[2][1:]
    boxes, areas = stats[:, :4], stats[:, 4]
    huge = (boxes[:, 2] > 0.5 * mask.shape[1]) & (boxes[:, 3] > 0.5 * mask.shape[0])
    usual = (boxes[:, 3] >= SMALLEST) & ~huge & ~_frames(boxes)
    if areas[usual].sum() <= KNOWN * areas.sum():
        return 0.0
    heights = np.sort(boxes[usual, 3])
    weights = np.cumsum(heights)
    return float(heights[np.searchsorted(weights, weights[-1] / 2)])


def find_marks(mask: Mask, height: float) -> Marks:
    """The marks of ink that may be digits, where those are about so many pixels high (0: as the highest mark)."""
    labels, boxes = _components(mask)
    height = height or float(boxes[:, 3].max(initial=0))
    groups = _merge(boxes, height)
    boxes = _united(boxes, groups)
    keep = boxes[:, 3] >= max(SMALLEST, FLAT * height)
    keep &= (boxes[:, 3] <= HUGE * height) & (boxes[:, 2] <= WIDE * height)
    keep[keep] = ~_frames(boxes[keep])
    numbers = np.where(keep, np.cumsum(keep), 0)
    return Marks(np.append(0, numbers[groups])[labels].astype(np.int32), boxes[keep])


def _components(mask: Mask) -> tuple[Labels, Boxes]:
    import cv2

    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    return labels, stats[1:, :4]


def _frames(boxes: Boxes) -> npt.NDArray[np.bool_]:
    """True (n,) for marks that have another one inside, as frames have; no digit has."""
    big = np.flatnonzero(boxes[:, 3] >= SMALLEST)
    x, y, w, h = boxes[big].T
    inside = (x[:, None] < x) & (x + w < (x + w)[:, None]) & (y[:, None] < y) & (y + h < (y + h)[:, None])
    frames = np.zeros(len(boxes), bool)
    frames[big] = (inside & (h >= 0.4 * h[:, None])).any(axis=1)
    return frames


def _merge(boxes: Boxes, height: float) -> npt.NDArray[np.intp]:
    """The number (n,) of the group of each component, from 0: a piece joins what it broke off from."""
    groups = np.arange(len(boxes))
    for piece in np.flatnonzero(boxes[:, 3] < PIECE * height):
        distances = _distances(boxes[piece], boxes, height)
        distances[piece] = np.inf
        if np.isfinite(distances).any():
            nearest = groups[distances.argmin()]
            groups[groups == groups[piece]] = nearest
    return np.unique(groups, return_inverse=True)[1]


def _distances(piece: npt.NDArray[np.int32], boxes: Boxes, height: float) -> npt.NDArray[np.float64]:
    """The distances (n,) of marks from a piece; infinite where both together are no digit."""
    x, y, w, h = boxes.T
    across = np.maximum(x, piece[0]) - np.minimum(x + w, piece[0] + piece[2])
    down = np.maximum(y, piece[1]) - np.minimum(y + h, piece[1] + piece[3])
    wide = np.maximum(x + w, piece[0] + piece[2]) - np.minimum(x, piece[0])
    high = np.maximum(y + h, piece[1] + piece[3]) - np.minimum(y, piece[1])
    is_above = across <= -0.4 * np.minimum(w, piece[2])
    fits = (down <= BREAK[0] * height) & (across <= BREAK[1] * height) & (is_above | (piece[3] < DOT * height))
    fits &= (high <= WHOLE[0] * height) & (wide <= np.maximum(WHOLE[1] * height, w)) & (h >= SMALLEST)
    return np.where(fits, np.maximum(across, 0) + np.maximum(down, 0), np.inf)


def _united(boxes: Boxes, groups: npt.NDArray[np.intp]) -> Boxes:
    """The box of each group."""
    ends = np.zeros((groups.max(initial=-1) + 1, 4), np.int32)
    ends[:, :2] = np.iinfo(np.int32).max
    np.minimum.at(ends[:, :2], groups, boxes[:, :2])
    np.maximum.at(ends[:, 2:], groups, boxes[:, :2] + boxes[:, 2:])
    ends[:, 2:] -= ends[:, :2]
    return ends
