"""Lines that are no ink of a digit: the frame of a cell, and the rules of a paper."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]  # (h, w), 1 where there is ink

RUN = 0.3  # of a side that a straight piece of a line is long, at least
SPAN = 0.85  # of a side that a line is long, at least
BAND = 0.22  # of a side: lines of a frame lie within it from the border
THICK = 0.16  # of a side: lines of a frame are at most so thick
RULE = 0.07  # of a side: rules, which cross the whole picture, are at most so thick
USUAL = 25  # the percentile of a line's thickness that is its own: strokes touch more than half of some lines
EVEN = 0.8  # of its usual thickness is a line near its ends; the top of a ring is thinner there
FRAME = 3  # sides with a line: no digit has as many
REST = 0.2  # of a side: what remains is as large as that where it is a digit


def without_lines(ink: Mask) -> Mask:
    """The ink without frame and ruled lines; strokes that cross a line stay whole.

    A bar of a digit in a picture without margin looks like a line at the border. So lines stay where the rest touches
    both them and the border, unless they are on three sides.
    """
    level, upright = _lines(ink), _lines(_turned(ink)).T
    lines = _without_strokes(level, ink * (upright == 0))
    lines |= _turned(_without_strokes(_turned(upright), _turned(ink * (level == 0))))
    rest = _without_slivers(ink & (1 - lines))
    is_digit = lines.any() and _sides(level) + _sides(upright.T) < FRAME and _is_part_of_digit(lines, rest)
    return ink if is_digit else rest


def inside(ink: Mask) -> Mask:
    """The part of a picture away from its border, where frames are."""
    height, width = ink.shape
    rows, columns = round(BAND * height), round(BAND * width)
    return ink[rows : height - rows, columns : width - columns]


def _sides(lines: Mask) -> int:
    """The number of borders, above and below, that have a line near."""
    band = round(BAND * len(lines))
    return int(lines[:band].any()) + int(lines[-band:].any())


def _turned(ink: Mask) -> Mask:
    return np.ascontiguousarray(ink.T)


def _lines(ink: Mask) -> Mask:
    """The ink in straight lines from left to right; each pixel holds the height above which ink is no line."""
    import cv2

    height, width = ink.shape
    fat = _closed(cv2.dilate(ink, np.ones((3, 1), np.uint8)), width // 12)
    runs = _opened(fat, (1, max(3, round(RUN * width))))
    lines = np.zeros_like(ink)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(runs, connectivity=8)
    for label in range(1, count):
        left, top, long, high, _ = boxes[label]
        piece = labels[top : top + high, left : left + long] == label
        end, usual = np.maximum(
            0, np.percentile(piece.sum(axis=0), (10, USUAL)) - 2
        ).tolist()  # it was made fatter by 2
        band, first, last = _band(piece, usual)
        at_border = top + last <= BAND * height or top + first >= (1 - BAND) * height
        is_rule = long >= width - 2 and usual <= RULE * height
        is_side = at_border and long >= SPAN * width and EVEN * usual <= end and usual <= THICK * height
        if is_rule or is_side:
            lines[top : top + high, left : left + long][band] = min(255, 4 + round(usual))
    return lines * ink


def _band(piece: npt.NDArray[np.bool_], usual: float) -> tuple[npt.NDArray[np.bool_], float, float]:
    """The part of a piece (h, w) that is its straight line, and the line's first and last row.

    Where a stroke touches the line, the piece is thicker than usual. The line goes straight on there.
    """
    rows, columns = np.nonzero(piece & (piece.sum(axis=0) <= usual + 4))
    slope, start = np.polyfit(columns, rows, 1) if len(np.unique(columns)) > 1 else (0, rows.mean())
    middle = start + slope * np.arange(piece.shape[1])
    band = np.abs(np.arange(len(piece))[:, None] - middle) <= usual / 2 + 2
    return piece & band, float(middle.min() - usual / 2), float(middle.max() + usual / 2)


def _closed(ink: Mask, gap: int) -> Mask:
    """The ink with gaps in rows filled; none is filled between ink and the border."""
    import cv2

    padded = cv2.copyMakeBorder(ink, 0, 0, gap, gap, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((1, 2 * (gap // 2) + 1), np.uint8))
    return np.ascontiguousarray(closed[:, gap:-gap]) if gap else closed


def _without_strokes(lines: Mask, ink: Mask) -> Mask:
    """The lines, 1 each, without the strokes that cross them: there is ink on both sides."""
    import cv2

    alone = (lines > 0).astype(np.uint8)
    rest = ink & (1 - alone)
    for high in np.unique(lines[lines > 0]).tolist():
        near = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (high | 1, high | 1))
        alone &= 1 - cv2.morphologyEx(rest, cv2.MORPH_CLOSE, near) * (lines == high)
    return alone


def _opened(ink: Mask, shape: tuple[int, int]) -> Mask:
    """The ink where so many pixels lie in a row or column; there is none beyond the border."""
    import cv2

    kernel = np.ones((shape[0] | 1, shape[1] | 1), np.uint8)  # an even one moves what it opens
    return np.asarray(
        cv2.morphologyEx(ink, cv2.MORPH_OPEN, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0), np.uint8
    )


def _without_slivers(ink: Mask) -> Mask:
    """The ink without what is thin, lies along the border and touches it: the remains of slanted lines."""
    import cv2

    height, width = ink.shape
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    left, top, wide, high, _ = boxes.T
    right, bottom = left + wide, top + high
    touches = (left == 0) | (top == 0) | (right == width) | (bottom == height)
    upright = (wide <= THICK * width) & ((right <= BAND * width) | (left >= (1 - BAND) * width))
    level = (high <= THICK * height) & ((bottom <= BAND * height) | (top >= (1 - BAND) * height))
    slivers = touches & (upright | level)
    return ink * (~slivers)[labels].astype(np.uint8) if slivers.any() else ink


def _is_part_of_digit(lines: Mask, rest: Mask) -> bool:
    """True where the largest remainder touches both the lines and the border."""
    import cv2

    count, labels, boxes, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    if count == 1:
        return False
    largest = 1 + int(boxes[1:, cv2.CC_STAT_AREA].argmax())
    left, top, wide, high = boxes[largest, :4]
    height, width = rest.shape
    if max(wide / width, high / height) < REST:
        return False
    at_border = left == 0 or top == 0 or left + wide == width or top + high == height
    near = cv2.dilate((labels == largest).astype(np.uint8), np.ones((5, 5), np.uint8))
    return bool(at_border and (near & lines).any())
