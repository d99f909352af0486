"""Lines that are no ink of a digit: the frame of a cell, and the rules of a paper."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]  # (h, w), 1 where there is ink

RUN = 0.3  # of a side that a straight piece of a line is long, at least
SPAN = 0.85  # of a side that a line is long, at least
BAND = 0.22  # of a side: lines of a frame lie within it from the border
THICK = 0.12  # of a side: lines are at most so thick
REST = 0.2  # of a side: what remains is as large as that where it is a digit


def without_lines(ink: Mask) -> Mask:
    """The ink without frame and ruled lines; strokes that cross a line stay whole.

    A bar of a digit in a picture without margin looks like a line at the border. So lines only go where they are
    apart from the rest, or where the rest keeps away from the border.
    """
    lines = _across(ink) | np.ascontiguousarray(_across(np.ascontiguousarray(ink.T)).T)
    rest = _without_slivers(ink & (1 - lines))
    return ink if lines.any() and _is_part_of_digit(lines, rest) else rest | _crossings(rest, lines)


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
    return ink & (~slivers)[labels] if slivers.any() else ink


def _across(ink: Mask) -> Mask:
    """The lines from the left to the right."""
    import cv2

    height, width = ink.shape
    fat = cv2.dilate(ink, np.ones((3, 1), np.uint8))
    fat = _closed(fat, (1, width // 12))
    runs = cv2.morphologyEx(fat, cv2.MORPH_OPEN, np.ones((1, max(3, round(RUN * width))), np.uint8))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(runs, connectivity=8)
    lines = np.zeros_like(ink)
    for label in range(1, count):
        left, top, long, high, area = boxes[label]
        is_long = long >= SPAN * width
        is_thin = area / long - 2 <= THICK * height
        at_border = top + high <= BAND * height or top >= (1 - BAND) * height
        is_rule = left == 0 and long == width and high <= 2 * area / long
        if is_long and is_thin and (at_border or is_rule):
            lines |= (labels == label).astype(np.uint8)
    return lines & ink


def _is_part_of_digit(lines: Mask, rest: Mask) -> bool:
    """True where the largest remainder touches both the lines and the border."""
    import cv2

    count, labels, boxes, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    if count == 1:
        return False
    largest = 1 + int(boxes[1:, cv2.CC_STAT_AREA].argmax())
    left, top, long, high = boxes[largest, :4]
    height, width = rest.shape
    if max(long / width, high / height) < REST:
        return False
    at_border = left == 0 or top == 0 or left + long == width or top + high == height
    near = cv2.dilate((labels == largest).astype(np.uint8), np.ones((5, 5), np.uint8))
    return bool(at_border and (near & lines).any())


def _crossings(rest: Mask, lines: Mask) -> Mask:
    """The parts of lines between two pieces of the rest."""
    reach = 2 * round(THICK * max(rest.shape) / 2) + 1
    crossings = np.zeros_like(rest)
    for shape in ((reach, 1), (1, reach)):
        crossings |= _closed(rest, shape) & lines
    return crossings


def _closed(ink: Mask, shape: tuple[int, int]) -> Mask:
    """The ink with its gaps filled; none is filled between ink and the border."""
    import cv2

    high, wide = shape[0] // 2 + 1, shape[1] // 2 + 1
    padded = cv2.copyMakeBorder(ink, high, high, wide, wide, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((2 * high - 1, 2 * wide - 1), np.uint8))
    return np.ascontiguousarray(closed[high:-high, wide:-wide])
