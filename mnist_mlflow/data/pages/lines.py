"""Lines that nobody wrote: of ruled and squared paper, and the boxes of forms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_mlflow.data.pages.ink import Mask

# In heights of a digit:
LONG = 2.5  # a line is as long at least
SIDE = 1.15  # the side of a box is as long at least
RUN = 0.25  # a line is straight on such a length, however slanted it is
REACH = 0.15  # the side of a box ends as near to another line
ACROSS = 0.45  # of the picture: so long is a line where the height of digits is not known
UNKNOWN = 0.025  # of the picture: the length of a run in that case
THIN = 0.1  # thickness to length of a line at most
SMOOTH = 201  # pixels along a line, of which the middle one says where it is
SLANT = 0.15  # rise to run of a line at most


@dataclass(frozen=True)
class Lines:
    """Straight pieces of ink in one direction: the number of each in `labels`, and its box (x, y, w, h)."""

    labels: npt.NDArray[np.int32]
    boxes: npt.NDArray[np.int32]


def without_lines(mask: Mask, height: float) -> Mask:
    """The ink (h, w) without long straight lines, nor the boxes that they make; strokes that cross a line stay whole.

    `height` is that of the digits in pixels, 0 where it is not known.
    """
    level, upright = _lines(mask, height), _lines(mask.T, height)
    level_printed = _certain(level, mask.shape[1], height, ACROSS) | _ends_at(level, upright, height)
    upright_printed = _certain(upright, mask.shape[0], height, 0.9) | _ends_at(upright, level, height)
    mask = _erase(mask, level, level_printed)
    return _erase(mask.T, upright, upright_printed).T


def _lines(mask: Mask, height: float) -> Lines:
    """The level lines of ink, of whatever length: runs of pixels, each in touch with the next."""
    import cv2

    run = max(3, int(RUN * height if height else UNKNOWN * max(mask.shape)))
    blots = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((run, run), np.uint8))  # one may join two lines
    thicker = cv2.dilate(mask & ~blots, np.ones((3, 1), np.uint8))  # a thin slanted line has short runs
    runs = cv2.morphologyEx(thicker, cv2.MORPH_OPEN, np.ones((1, run), np.uint8))
    through = cv2.morphologyEx(cv2.dilate(runs, np.ones((3, 1), np.uint8)), cv2.MORPH_CLOSE, np.ones((1, 4 * run)))
    runs = (runs | through & blots) & mask
    _, labels, stats, _ = cv2.connectedComponentsWithStats(runs, connectivity=8)
    w, h, area = stats[:, 2:].T
    is_line = (h <= SLANT * w + 3 * area / w + 2 * run) & (w >= (SIDE * height or run)) & (area <= THIN * w * w)
    is_line[0] = False
    return Lines(np.where(is_line, np.cumsum(is_line), 0)[labels].astype(np.int32), stats[is_line, :4])


def _certain(lines: Lines, across: int, height: float, share: float) -> npt.NDArray[np.bool_]:
    """True (n,) for lines that are too long for a stroke."""
    return np.asarray(lines.boxes[:, 2] >= (LONG * height if height else share * across), bool)


def _ends_at(lines: Lines, others: Lines, height: float) -> npt.NDArray[np.bool_]:
    """True (n,) for lines whose ends are both at lines of the other direction."""
    reach = max(4, int(REACH * height))
    crossing = others.labels.T > 0

    def is_near(x: int, y: int, h: int) -> bool:
        return bool(crossing[max(0, y - reach) : y + h + reach, max(0, x - reach) : x + reach].any())

    ends = [is_near(x, y, h) and is_near(x + w, y, h) for x, y, w, h in lines.boxes.tolist()]
    return np.array(ends, bool)


def _erase(mask: Mask, lines: Lines, printed: npt.NDArray[np.bool_]) -> Mask:
    """The ink without some level lines. Ink above and below one is a stroke that crosses it, and is repaired."""
    import cv2

    erased, thickest = np.zeros(mask.shape, bool), 0.0
    for number in np.flatnonzero(printed):
        x, y, w, h = lines.boxes[number]
        place = slice(y, y + h), slice(x, x + w)
        path, thickness = _path(lines.labels[place] == number + 1)
        erased[place] |= np.abs(np.arange(h)[:, None] - path) <= thickness / 2 + 1
        thickest = max(thickest, thickness)
    rest = np.where(erased, 0, mask).astype(np.uint8)
    bridged = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, np.ones((int(thickest) + 5, 1), np.uint8))
    return np.where(erased, bridged & mask, rest).astype(np.uint8)


def _path(line: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.float64], float]:
    """The row of a level line in each column, and its thickness; strokes that touch it do not move it."""
    from scipy.ndimage import median_filter

    counts = line.sum(axis=0)
    thickness = float(np.median(counts[counts > 0]))
    there = np.flatnonzero((counts > 0) & (counts <= 1.5 * thickness))
    middles = (np.arange(len(line))[:, None] * line).sum(axis=0)[there] / counts[there]
    straight = np.polyval(np.polyfit(there, middles, 1), there)
    smooth = straight + median_filter(middles - straight, size=min(len(there), SMOOTH), mode="nearest")
    return np.interp(np.arange(line.shape[1]), there, smooth), thickness
