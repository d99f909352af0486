"""Ink and paper: a picture in any colours and any light becomes the strength of its ink."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import Picture

SMALLEST, LARGEST = 112, 448  # pixels along the longer side of a picture that is worked on
GLANCE = 64  # pixels a side to look at the paper: its polarity and its light
SOFT = 2  # of GLANCE: the edge of a frame line
NEAR, WIDE = 33, 63  # of GLANCE: medians over so much are paper, between thin strokes and between thick ones
STRIKING = 0.15  # of the variance is ink, or most is light
FRAME = 12  # of GLANCE: frame lines lie so near to the border
PAPER = 32  # the strength of paper: grain goes below it and above
STROKE = 23  # of GLANCE: no stroke is wider
EDGY = 24  # pixels: smaller pictures are edges for the most part, which are no noise
QUIET = 4  # of 255: less noise does no harm
OPAQUE, SOLID, UNLIKE = 128, 0.5, 64  # alpha that counts as paint; its share and its spread where it is a page

Grey = npt.NDArray[np.uint8]  # (h, w)


def grey_of(picture: Picture) -> Grey:
    """The picture in the one channel that tells its colours apart best, in a working size, and with little noise."""
    import cv2

    picture = shrunk(picture, LARGEST)
    height, width = picture.shape[:2]
    grey = _smooth(in_grey(picture))
    if (scale := -(-SMALLEST // max(height, width))) > 1:
        grey = cv2.resize(grey, scaled(width, height, scale), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grey, np.uint8)


def shrunk(picture: Picture, longest: int) -> Picture:
    """A picture with so many pixels along its longer side, or as many as it has if those are fewer."""
    import cv2

    height, width = picture.shape[:2]
    if (scale := longest / max(height, width)) >= 1:
        return picture
    return np.asarray(cv2.resize(picture, scaled(width, height, scale), interpolation=cv2.INTER_AREA), np.uint8)


def scaled(width: int, height: int, scale: float) -> tuple[int, int]:
    """The width and the height of a picture that is scaled; no side is lost."""
    return max(1, round(width * scale)), max(1, round(height * scale))


def _smooth(grey: Grey) -> Grey:
    """The picture, blurred where most of it is noisy: where few pixels are near to the mean of their neighbours."""
    import cv2

    if min(grey.shape) < EDGY:
        return grey
    noise = 5 * float(np.percentile(cv2.absdiff(grey, cv2.blur(grey, (3, 3))), 15))
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), min(1.2, noise / 16)), np.uint8) if noise > QUIET else grey


def ink_of(grey: Grey, *, is_ink_bright: bool) -> Grey:
    """The strength of ink, PAPER to 255. Light is divided out: ink is what reflects less than the paper around it."""
    import cv2

    if is_ink_bright:
        grey = 255 - grey
    glance = _glance(grey)
    return np.asarray(cv2.subtract(255, cv2.divide(grey, _light(glance, grey.shape), scale=255 - PAPER)), np.uint8)


def _glance(grey: Grey) -> Grey:
    import cv2

    return np.asarray(cv2.resize(grey, (GLANCE, GLANCE), interpolation=cv2.INTER_AREA), np.uint8)


def in_grey(picture: Picture) -> Grey:
    """The one channel of a picture that tells its colours apart best."""
    if picture.ndim == 2:
        return picture
    if picture.shape[2] == 4:
        picture = _without_alpha(picture)
    if np.array_equal(picture[..., 0], picture[..., 1]) and np.array_equal(picture[..., 0], picture[..., 2]):
        return np.ascontiguousarray(picture[..., 0])
    return _along_the_widest_axis(picture)


def _without_alpha(picture: Picture) -> Picture:
    """The picture before white or black, whichever its paint differs from; a page hides what is behind it."""
    alpha = picture[..., 3]
    paint = picture[..., :3][alpha >= OPAQUE]
    if len(paint) == alpha.size or not len(paint):
        return np.ascontiguousarray(picture[..., :3]) if len(paint) else np.full_like(picture[..., :3], 255)
    tones = paint.mean(axis=1)
    low, middle, high = np.percentile(tones, (2, 50, 98))
    is_page = len(paint) > SOLID * alpha.size and high - low > UNLIKE
    behind = middle if is_page else 255 if tones.mean() < 128 else 0
    share = alpha[..., None] / np.float32(255)
    return np.rint(picture[..., :3] * share + behind * (1 - share)).astype(np.uint8)


def _along_the_widest_axis(picture: Picture) -> Grey:
    """The mix of channels, or of their complements, along which the colours differ most: their principal component."""
    import cv2

    colours = picture.reshape(-1, 3)[:: max(1, picture.size // 30_000)].astype(np.float32)
    colours -= colours.mean(axis=0)
    _, axes = np.linalg.eigh(colours.T @ colours)
    axis = axes[:, -1] * (1 if axes[:, -1].sum() >= 0 else -1) / np.abs(axes[:, -1]).sum()
    offset = -255 * axis[axis < 0].sum()
    mixed = cv2.transform(picture, np.append(axis, offset)[None].astype(np.float32))
    return np.asarray(mixed, np.uint8)


def has_bright_ink(grey: Grey) -> bool:
    """True where what differs from the paper around it is brighter, by the third moment.

    The paper is a median over a part of the picture. That is so wide that thick strokes do not fill it, unless most
    differences are those of light.
    """
    import cv2

    inner = cv2.resize(_without_frame(_glance(grey)), (GLANCE, GLANCE), interpolation=cv2.INTER_AREA)
    difference = cv2.subtract(inner, cv2.medianBlur(inner, NEAR), dtype=cv2.CV_32F)
    if difference.var() > STRIKING * inner.var():
        difference = cv2.subtract(inner, cv2.medianBlur(inner, WIDE), dtype=cv2.CV_32F)
    return bool((difference**3).sum() > 0)


def _without_frame(glance: Grey) -> Grey:
    """The part within the lines of a frame: rows and columns near the border of one kind, next to others."""
    import cv2

    _, bright = cv2.threshold(glance, 0, 1, cv2.THRESH_OTSU)
    rows, columns = bright.mean(axis=1), bright.mean(axis=0)
    ends = [slice(_thickness(share), GLANCE - _thickness(share[::-1])) for share in (rows, columns)]
    return glance[ends[0], ends[1]]


def _thickness(share: npt.NDArray[np.float64]) -> int:
    """The rows up to the end of a line near the first, by the bright share (n,) of each."""
    for of_line in (share, 1 - share):
        rows = np.flatnonzero(of_line[:FRAME] >= 0.9)
        if len(rows) and of_line[rows[-1] + 1 + SOFT] < 0.5:
            return int(rows[-1]) + SOFT
    return 0


def _light(glance: Grey, shape: tuple[int, ...]) -> Grey:
    """The brightness (h, w) of the paper, under the ink too."""
    import cv2

    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (STROKE, STROKE))
    paper = cv2.blur(cv2.morphologyEx(cv2.medianBlur(glance, 3), cv2.MORPH_CLOSE, disk), (9, 9))
    return np.asarray(cv2.resize(cv2.max(paper, 1), shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
