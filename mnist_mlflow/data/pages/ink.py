"""Ink on a page: the pixels that differ from the paper nearby, in any light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_mlflow.model.ink import Grey, shrunk

Mask = npt.NDArray[np.uint8]  # (h, w), 255 where something is and 0 elsewhere

WINDOW, NEAR = 0.2, 0.03  # of the longer side: the paper is looked for as far as this at most, and at least
FAINTEST = 0.1  # share of the light that the faintest ink swallows
STROKES = 4  # widths of a stroke that the paper around it is wide enough to tell
SHARE = 0.3  # of the usual ink's darkness that a pixel of ink has at least
GRAINS = 6  # median deviations of paper from its usual brightness: ink is darker
SAMPLE = 100_000  # pixels that say how dark ink is
STRIKING = 20  # levels of grey between what may be ink and the ground around it
SMALL = 500  # pixels of the longer side where light is looked at


@dataclass(frozen=True)
class Ink:
    """The ink of a picture: its mask, and the paper behind it in grey, both (h, w)."""

    paper: Grey
    mask: Mask


def find_ink(grey: Grey) -> Ink:
    """The ink of a picture (h, w), dark or bright.

    The first look tells how wide strokes are. The second takes the paper from close by, which follows shadows.
    """
    if not _is_dark_on_bright(grey):
        turned = _dark_ink(255 - grey)
        return Ink(255 - turned.paper, turned.mask)
    return _dark_ink(grey)


def _dark_ink(grey: Grey) -> Ink:
    window = WINDOW * max(grey.shape)
    rough = _mask(grey, _paper(grey, window))
    paper = _paper(grey, np.clip(STROKES * _stroke_width(rough), NEAR * max(grey.shape), window))
    return Ink(paper, _mask(grey, paper))


def _mask(grey: Grey, paper: Grey) -> Mask:
    import cv2

    darkness = 1 - np.minimum(cv2.blur(grey, (3, 3)), paper) / np.maximum(paper, 1).astype(np.float32)
    return np.where(darkness > _threshold(darkness), 255, 0).astype(np.uint8)


def _stroke_width(mask: Mask) -> float:
    """The width of wide strokes in pixels: lines are thinner, shadows are few."""
    import cv2

    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    ridge = inside[(inside >= 1) & (inside >= cv2.dilate(inside, np.ones((3, 3), np.uint8)))]
    return 2 * float(np.percentile(ridge, 80)) if len(ridge) else 1.0


def _is_dark_on_bright(grey: Grey) -> bool:
    """True where what differs from the ground around it is mostly darker."""
    import cv2

    small = shrunk(grey, SMALL)
    ground = cv2.medianBlur(small, int(WINDOW * max(small.shape)) // 2 * 2 + 1)
    difference = small.astype(np.float32) - ground
    return bool(difference[np.abs(difference) > STRIKING].sum() <= 0)


def _paper(grey: Grey, window: float) -> Grey:
    """The paper behind dark ink: the brightest within a window of so many pixels, made smooth."""
    import cv2

    small = cv2.medianBlur(shrunk(grey, SMALL), 3)
    side = int(window * small.shape[0] / grey.shape[0]) // 2 * 2 + 3
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    smooth = cv2.blur(closed, (side // 4 * 2 + 1,) * 2)
    return np.asarray(cv2.resize(smooth, grey.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def _threshold(darkness: npt.NDArray[np.float32]) -> float:
    """The darkness, within 0-1, above which a pixel is ink. Most pixels are paper, whose grain is not."""
    sample = darkness.ravel()[:: max(1, darkness.size // SAMPLE)]
    paper = float(np.median(sample))
    grain = float(np.median(np.abs(sample - paper)))
    floor = max(FAINTEST, paper + GRAINS * grain)
    dark = sample[sample > floor]
    return max(floor, SHARE * float(np.percentile(dark, 75))) if len(dark) else floor
