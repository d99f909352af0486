"""The strokes of a digit: found in a picture of ink, brought into MNIST's box with MNIST's pen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_mlflow.model.geometry import BOX
from mnist_mlflow.model.ink import Grey, scaled
from mnist_mlflow.model.lines import BAND, REST, Mask, inside, without_lines
from mnist_mlflow.types import SIDE

FAINT = 20  # of 255: pencil differs more from paper
NOISE = 5  # deviations of the paper's grain that ink differs by, at least
INK = 0.4  # of the difference between paper and pen: what is darker is ink
GAP = 0.04  # of a side: strokes so near to one another belong together
SPECK = 0.12  # of the picture's side: a digit is larger; one at the border larger than REST
MOST = 0.33  # of the ink that is no edge is in the largest stroke of a digit, and grain has many
PART = 0.25  # of the digit's extent: its separate strokes are longer
THIN, USUAL, THICK = 2.0, 2.9, 4.4  # pixels: the 5th, 50th and 95th percentile of MNIST's strokes in their box
WITHIN = 0.05  # of a digit's ink lies away from the border, at least
FINE = 4  # times finer than an image is the canvas that strokes are changed on


def digit_of(strength: Grey) -> npt.NDArray[np.uint8]:
    """The digit in a picture (h, w) of the strength of ink, as MNIST has it; blank if there is none.

    What is visible says how dark the pen is. That sets the threshold.
    """
    paper, grain = _levels(strength)
    visible = _visible(strength, paper, grain)
    ink = without_lines(visible)
    lines = visible - ink
    if ink.any():
        pen = float(np.percentile(strength[ink > 0], 90))
        ink |= _across_lines(lines, strength, pen)
        ink = _together(ink & _stronger(strength, paper + INK * (pen - paper)))
    if not ink.any() or _is_aside(ink, lines):
        return np.zeros((SIDE, SIDE), np.uint8)
    return _centred(_fitted(ink))


def has_marks(strength: Grey) -> bool:
    """True where something is visible in a picture (h, w) of the strength of ink: a digit, lines or specks."""
    return bool(_visible(strength, *_levels(strength)).any())


def _visible(strength: Grey, paper: float, grain: float) -> Mask:
    return _stronger(strength, paper + max(FAINT, NOISE * grain))


def _across_lines(lines: Mask, strength: Grey, pen: float) -> Mask:
    """The ink of strokes on lines that were drawn with less strength than the pen's."""
    if not lines.any():
        return lines
    line = float(np.percentile(strength[lines > 0], 75))  # some are edges of lines
    return lines & _stronger(strength, (line + pen) / 2) if pen - line > FAINT else np.zeros_like(lines)


def _levels(strength: Grey) -> tuple[float, float]:
    """The strength of the paper and the deviation of its grain, by what is below most."""
    shares = np.cumsum(np.bincount(strength.ravel(), minlength=256)) / strength.size
    low, middle = np.searchsorted(shares, (0.08, 0.25))
    grain = (middle - low) / 0.73
    return middle + 0.67 * grain, grain


def _stronger(strength: Grey, level: float) -> Mask:
    return (strength > level).astype(np.uint8)


def _together(ink: Mask) -> Mask:
    """The largest group of strokes away from the border, with those that are near or as large."""
    import cv2

    height, width = ink.shape
    gap = 2 * round(GAP * max(height, width) / 2) + 1
    joined = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (gap, gap)))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    if count == 1:
        return ink
    left, top, wide, high, area = boxes[1:].T
    extent = np.maximum(wide, high)
    right, bottom = left + wide, top + high
    edges = (left == 0).astype(int) + (top == 0) + (right == width) + (bottom == height)
    aside = np.minimum(right, width - left) / width, np.minimum(bottom, height - top) / height
    large = extent >= np.where(np.minimum(*aside) < BAND, REST, SPECK) * max(height, width)
    if not large.any():
        return np.zeros_like(ink)
    inside = large & (edges == 0)
    among = inside if inside.any() and extent[inside].max() >= 0.3 * extent[large].max() else large
    main = int(np.where(among, area, 0).argmax())
    if area[main] < MOST * area[edges <= edges[main]].sum():
        return np.zeros_like(ink)
    keep = (extent >= PART * extent[main]) & (edges <= edges[main])
    keep[main] = True
    return ink * np.append(False, keep)[labels].astype(np.uint8)


def _is_aside(ink: Mask, lines: Mask) -> bool:
    """True for remains of lines: nearly all ink lies where frames are, by the border or by a line.

    A digit without margin is by all four borders.
    """
    import cv2

    if inside(ink).sum() >= WITHIN * ink.sum():
        return False
    gap = round(GAP * max(ink.shape))
    ends = [bool(part.any()) for part in (ink[:gap], ink[-gap:], ink[:, :gap], ink[:, -gap:])]
    near = cv2.dilate(ink, np.ones((gap | 1, gap | 1), np.uint8))
    return not all(ends) and (any(ends) or bool((near & lines).any()))


def _fitted(ink: Mask) -> Grey:
    """The strokes alone, as wide as a pen draws them in a box of 20 pixels, FINE times as large."""
    import cv2

    ink = _as_by_a_pen(ink)
    left, top, width, height = cv2.boundingRect(ink)
    inner = ink[top : top + height, left : left + width] * np.uint8(255)
    scale = FINE * BOX / max(width, height)
    size = scaled(width, height, scale)
    return np.asarray(cv2.resize(inner, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR))


def _as_by_a_pen(ink: Mask) -> Mask:
    """The strokes with a margin; thicker or thinner where MNIST has hardly any as thin or as thick.

    The width of strokes is four times the mean distance of their points from the paper.
    """
    import cv2

    pixel = max(cv2.boundingRect(ink)[2:]) / BOX
    margin = 1 + round(THICK * pixel)
    ink = np.pad(ink, margin)
    depth = cv2.distanceTransform(ink, cv2.DIST_L2, 3)
    pen = 4 * float(depth[ink > 0].mean()) / pixel
    if pen < THIN:
        ink = (cv2.distanceTransform(1 - ink, cv2.DIST_L2, 3) <= (USUAL - pen) * pixel / 2).astype(np.uint8)
    elif pen > THICK:
        ink = (depth > (pen - THICK) * pixel / 2).astype(np.uint8)
    return ink


def _centred(strokes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The strokes around the middle of an image, by their mass; none is cut."""
    import cv2

    moments = cv2.moments(strokes)
    canvas = np.zeros((FINE * SIDE, FINE * SIDE), np.uint8)
    height, width = strokes.shape
    top = round(FINE * SIDE / 2 - moments["m01"] / moments["m00"] + FINE / 2)
    left = round(FINE * SIDE / 2 - moments["m10"] / moments["m00"] + FINE / 2)
    top, left = min(max(top, 0), FINE * SIDE - height), min(max(left, 0), FINE * SIDE - width)
    canvas[top : top + height, left : left + width] = strokes
    return np.asarray(cv2.resize(canvas, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
