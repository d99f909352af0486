"""Ink: which pixels of a picture somebody wrote, whatever the light, the paper and the colour of the pen.

Ruled lines, squared paper and the boxes of forms are not ink.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import Picture

Grey = npt.NDArray[np.uint8]  # (h, w)
Mask = npt.NDArray[np.uint8]  # (h, w), 255 where something is and 0 elsewhere

WINDOW, NEAR = 0.2, 0.03  # of the longer side: the paper is looked for as far as this at most, and at least
FAINTEST = 0.1  # share of the light that the faintest ink swallows
STROKES = 4  # widths of a stroke that the paper around it is wide enough to tell
SHARE = 0.3  # of the usual ink's darkness that a pixel of ink has at least
NOISES = 6  # times the noise that ink stands out at least
SMALL = 500  # pixels of the longer side where light is looked at


@dataclass(frozen=True)
class Ink:
    """The ink of a picture: the paper behind it in grey, as it would be without ink, and the mask, both (h, w)."""

    paper: Grey
    mask: Mask


def in_grey(picture: Picture) -> Grey:
    """A picture in grey: transparent pixels are paper, and colours are as dark as their darkest channel.

    So a red pen is as dark as a black one. On a dark ground the brightest channel counts.
    """
    if picture.ndim == 2:
        return picture
    colours = picture[..., :3]
    if picture.shape[2] == 4:
        colours = _on_paper(colours, picture[..., 3:])
    is_bright = np.median(colours) > 127
    return np.ascontiguousarray(colours.min(axis=2) if is_bright else colours.max(axis=2))


def _on_paper(colours: Picture, alpha: Picture) -> Picture:
    """Colours on white paper; on black where what can be seen is bright."""
    visible = colours[alpha[..., 0] > 127]
    ground = 0 if len(visible) and visible.mean() > 127 and len(visible) < alpha.size else 255
    share = alpha.astype(np.float32) / 255
    return np.asarray(colours * share + ground * (1 - share), np.uint8)


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
    return np.where(darkness > _threshold(grey, paper, darkness), 255, 0).astype(np.uint8)


def _stroke_width(mask: Mask) -> float:
    """The width of wide strokes in pixels: lines are thinner, shadows are few."""
    import cv2

    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    ridge = inside[(inside >= 1) & (inside >= cv2.dilate(inside, np.ones((3, 3), np.uint8)))]
    return 2 * float(np.percentile(ridge, 80)) if len(ridge) else 1.0


def _is_dark_on_bright(grey: Grey) -> bool:
    """True where what differs from the ground around it is mostly darker."""
    import cv2

    small = _shrunk(grey)
    ground = cv2.medianBlur(cv2.copyMakeBorder(small, *[_window(small) // 2] * 4, cv2.BORDER_REFLECT), _window(small))
    edge = _window(small) // 2
    difference = small - ground[edge:-edge, edge:-edge].astype(np.float32)
    outstanding = difference[np.abs(difference) > 20]
    return bool(outstanding.sum() <= 0)


def _paper(grey: Grey, window: float) -> Grey:
    """The paper behind dark ink: the brightest within a window of so many pixels, made smooth."""
    import cv2

    small = cv2.medianBlur(_shrunk(grey), 3)
    side = int(window * small.shape[0] / grey.shape[0]) // 2 * 2 + 3
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    smooth = cv2.blur(closed, (side // 4 * 2 + 1,) * 2)
    return np.asarray(cv2.resize(smooth, grey.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def _shrunk(grey: Grey) -> Grey:
    import cv2

    scale = SMALL / max(grey.shape)
    if scale >= 1:
        return grey
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _window(small: Grey) -> int:
    return int(WINDOW * max(small.shape)) // 2 * 2 + 1


def _threshold(grey: Grey, paper: Grey, darkness: npt.NDArray[np.float32]) -> float:
    """The darkness, within 0-1, above which a pixel is ink."""
    import cv2

    details = grey.astype(np.float32) - cv2.blur(grey, (3, 3))
    noise = 1.5 * float(np.median(np.abs(details))) / max(float(np.median(paper)), 1)
    floor = max(FAINTEST, NOISES * noise / 3)
    dark = darkness[darkness > floor]
    return max(floor, SHARE * float(np.percentile(dark, 75))) if len(dark) else floor
